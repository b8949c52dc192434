//! End-to-end tests: the real binary against the sandbox, told apart by what they show.

mod chaos;
mod children;
mod credentials;
mod deploys;
mod harness;
mod hostile;
mod ignored;
mod late;
mod life;
mod localstack;
mod measure;
mod network;
mod played;
mod prod;
mod refusals;
mod shared;
mod state;
mod throttle;
mod write_only;

use std::sync::{PoisonError, RwLock};

use libtest_mimic::{Arguments, Trial};

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let ended = match arguments.first().map(String::as_str) {
        Some("chaos") => Some(chaos::command(&arguments[1..])),
        Some("measure") => Some(measure::command(&arguments[1..])),
        _ => None,
    };
    if let Some(ended) = ended {
        if let Err(error) = &ended {
            harness::say(&error.to_string());
        }
        std::process::exit(i32::from(ended.is_err()));
    }
    let mut arguments = Arguments::from_args();
    // Most of the time they wait for the sandbox's clock.
    let cores = || std::thread::available_parallelism().map_or(1, |cores| cores.get());
    arguments.test_threads.get_or_insert_with(|| 2 * cores());
    let trials = match harness::is_localstack() {
        true => localstack::trials(),
        false => [
            life::trials(),
            ignored::trials(),
            children::trials(),
            deploys::trials(),
            late::trials(),
            prod::trials(),
            played::trials(),
            network::trials(),
            credentials::trials(),
            refusals::trials(),
            hostile::trials(),
            shared::trials(),
            state::trials(),
            throttle::trials(),
            write_only::trials(),
            measure::trials(),
            chaos::trials(),
        ]
        .into_iter()
        .flatten()
        .collect(),
    };
    libtest_mimic::run(&arguments, trials).exit();
}

/// Held by every test, and by [`alone`] all of it.
static MACHINE: RwLock<()> = RwLock::new(());

/// A test by its name.
fn trial(name: impl Into<String>, test: impl FnOnce() -> harness::Result + Send + 'static) -> Trial {
    Trial::test(name, move || {
        let _machine = MACHINE.read().unwrap_or_else(PoisonError::into_inner);
        test().map_err(|error| error.to_string().into())
    })
}

/// The same, with no other beside it: one that takes note of when calls arrive.
fn alone(name: impl Into<String>, test: impl FnOnce() -> harness::Result + Send + 'static) -> Trial {
    Trial::test(name, move || {
        let _machine = MACHINE.write().unwrap_or_else(PoisonError::into_inner);
        test().map_err(|error| error.to_string().into())
    })
}
