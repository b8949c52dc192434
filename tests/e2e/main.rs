//! End-to-end tests: the real binary against the sandbox, in a module for each subject.

mod actions;
mod chaos;
mod children;
mod credentials;
mod deploys;
mod disposable;
mod drift;
mod faults;
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
mod python;
mod refusals;
mod shared;
mod state;
mod sweep;
mod teardown;
mod throttle;
mod world;
mod write_only;

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError, RwLock},
    time::{Duration, Instant},
};

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
    // The tests mostly wait for the sandbox's clock.
    let cores = || std::thread::available_parallelism().map_or(1, |cores| cores.get());
    arguments.test_threads.get_or_insert_with(|| 2 * cores());
    let trials = match harness::is_localstack() {
        true => localstack::trials(),
        // Built with some of the services only, see CONTRIBUTING.md: all other tests need more of them.
        false if !cfg!(feature = "all") => life::trials(),
        false => [
            life::trials(),
            ignored::trials(),
            children::trials(),
            deploys::trials(),
            disposable::trials(),
            drift::trials(),
            late::trials(),
            prod::trials(),
            played::trials(),
            network::trials(),
            credentials::trials(),
            refusals::trials(),
            hostile::trials(),
            shared::trials(),
            state::trials(),
            sweep::trials(),
            teardown::trials(),
            throttle::trials(),
            write_only::trials(),
            measure::trials(),
            chaos::trials(),
        ]
        .into_iter()
        .flatten()
        .collect(),
    };
    let ended = libtest_mimic::run(&arguments, trials);
    for (module, (tests, took)) in &*TIMES.lock().unwrap_or_else(PoisonError::into_inner) {
        harness::say(&format!("{:>7.1} s in {tests} tests of {module}", took.as_secs_f64()));
    }
    ended.exit();
}

/// The number of tests of each module, and their total time.
static TIMES: Mutex<BTreeMap<String, (usize, Duration)>> = Mutex::new(BTreeMap::new());

/// Runs a test and records its time.
fn timed(name: &str, test: impl FnOnce() -> harness::Result) -> Result<(), libtest_mimic::Failed> {
    let began = Instant::now();
    let ended = test();
    let module = name.split("::").next().unwrap_or_default().to_owned();
    let mut times = TIMES.lock().unwrap_or_else(PoisonError::into_inner);
    let (tests, took) = times.entry(module).or_default();
    *tests += 1;
    *took += began.elapsed();
    ended.map_err(|error| error.to_string().into())
}

/// Held by every test for reading, and by [`alone`] for writing.
static MACHINE: RwLock<()> = RwLock::new(());

/// A test with a name.
fn trial(name: impl Into<String>, test: impl FnOnce() -> harness::Result + Send + 'static) -> Trial {
    let name = name.into();
    Trial::test(name.clone(), move || {
        let _machine = MACHINE.read().unwrap_or_else(PoisonError::into_inner);
        timed(&name, test)
    })
}

/// A test that runs without others beside it, because it measures when calls arrive.
fn alone(name: impl Into<String>, test: impl FnOnce() -> harness::Result + Send + 'static) -> Trial {
    let name = name.into();
    Trial::test(name.clone(), move || {
        let _machine = MACHINE.write().unwrap_or_else(PoisonError::into_inner);
        timed(&name, test)
    })
}
