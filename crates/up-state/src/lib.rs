//! up-state
