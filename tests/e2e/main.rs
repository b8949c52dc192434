//! End-to-end tests: the real binary against the sandbox, told apart by what they show.

mod chaos;
mod credentials;
mod harness;
mod life;
mod localstack;
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
    let arguments = Arguments::from_args();
    let trials = match harness::is_localstack() {
        true => localstack::trials(),
        false => {
            let lives = life::trials().into_iter().chain(prod::trials()).chain(credentials::trials());
            let lives = lives.chain(refusals::trials()).chain(state::trials());
            lives.chain(throttle::trials()).chain(chaos::trials()).collect()
        }
    };
    libtest_mimic::run(&arguments, trials).exit();
}

/// A test by its name.
fn trial(name: impl Into<String>, test: impl FnOnce() -> harness::Result + Send + 'static) -> Trial {
    Trial::test(name, move || test().map_err(|error| error.to_string().into()))
}
