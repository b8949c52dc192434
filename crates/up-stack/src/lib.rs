//! up-stack
