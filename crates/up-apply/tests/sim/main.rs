//! The engine on a simulated AWS, on a clock that stands still while anything can be done: thousands of random stacks in
//! a few seconds, and each again by its seed.

mod chance;
mod cloud;
mod kinds;
mod log;
mod stacks;
mod stage;
mod state;
mod thing;

mod ending;
mod failing;
mod order;
mod whole;
