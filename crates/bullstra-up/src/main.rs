//! Provisions AWS from TOML.

fn main() {}
