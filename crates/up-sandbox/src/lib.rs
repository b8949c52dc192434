//! up-sandbox
