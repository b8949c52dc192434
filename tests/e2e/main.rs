//! End-to-end tests: the real binary against the sandbox, told apart by what they show.

mod chaos;
mod credentials;
mod harness;
mod hostile;
mod life;
mod localstack;
mod measure;
mod prod;
mod refusals;
mod state;
mod throttle;

use libtest_mimic::{Arguments, Trial};

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    if chaos::is_asked(&arguments) {
        std::process::exit(chaos::command(&arguments));
    }
    if measure::is_asked(&arguments) {
        std::process::exit(measure::command(&arguments));
    }
    let arguments = Arguments::from_args();
    let trials = match harness::is_localstack() {
        true => localstack::trials(),
        false => [
            life::trials(),
            prod::trials(),
            credentials::trials(),
            refusals::trials(),
            hostile::trials(),
            state::trials(),
            throttle::trials(),
            measure::trials(),
            chaos::trials(),
        ]
        .into_iter()
        .flatten()
        .collect(),
    };
    libtest_mimic::run(&arguments, trials).exit();
}

/// A test by its name.
fn trial(name: impl Into<String>, test: impl FnOnce() -> harness::Result + Send + 'static) -> Trial {
    Trial::test(name, move || test().map_err(|error| error.to_string().into()))
}
