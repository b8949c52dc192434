//! One step.
