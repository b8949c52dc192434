//! End-to-end tests: the real binary against the sandbox, told apart by what they show.

mod harness;
mod hostile;
mod life;
mod localstack;
mod prod;
mod refusals;

use libtest_mimic::{Arguments, Trial};

fn main() {
    let arguments = Arguments::from_args();
    let trials = match harness::is_localstack() {
        true => localstack::trials(),
        false => life::trials()
            .into_iter()
            .chain(prod::trials())
            .chain(refusals::trials())
            .chain(hostile::trials())
            .collect(),
    };
    libtest_mimic::run(&arguments, trials).exit();
}

/// A test by its name.
fn trial(name: impl Into<String>, test: impl FnOnce() -> harness::Result + Send + 'static) -> Trial {
    Trial::test(name, move || test().map_err(|error| error.to_string().into()))
}
