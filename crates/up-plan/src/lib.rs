//! up-plan
