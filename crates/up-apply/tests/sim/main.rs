//! Runs the engine on a simulated AWS with a simulated clock: thousands of random stacks in a few seconds, each
//! reproducible by its seed.

mod cloud;
mod kinds;
mod log;
mod random;
mod resource;
mod simulation;
mod stacks;
mod state;

mod ending;
mod failing;
mod lifecycle;
mod order;
