//! up-apply
