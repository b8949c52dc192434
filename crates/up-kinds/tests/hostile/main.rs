//! Hostile input for real kinds: what AWS answers, and stack files that declare them.

mod answers;
mod fake;
#[path = "../../../../tests/fuzz/mod.rs"]
mod fuzz;
mod parts;
mod recorded;
mod stacks;
mod states;
