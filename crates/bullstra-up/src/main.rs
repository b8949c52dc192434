//! Provisions AWS from TOML.

mod approval;
mod cli;
mod commands;
mod exit;
#[cfg(test)]
#[path = "../../../tests/fuzz/mod.rs"]
mod fuzz;
mod goal;
mod interrupt;
mod panic;
mod render;
mod run;
mod saved;
mod secrets;
mod session;
mod terminal;

use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;

use crate::{
    cli::Cli,
    exit::{Exit, Failure},
};

/// Plans are made of many small texts: this takes a third of the processor time off them that glibc's takes, and gives memory
/// back, see `docs/benchmarks.md`. It does not build with MSVC.
#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(told) => return told_by_clap(&told),
    };
    terminal::colour(!cli.no_color);
    trace(cli.verbose);
    panic::tell();
    match tokio::runtime::Runtime::new() {
        Ok(runtime) => {
            let exit = runtime.block_on(run(cli));
            // Whoever still waits for an answer at the terminal waits in vain.
            runtime.shutdown_background();
            exit.into()
        }
        Err(error) => ended(Failure::new(Exit::Failed, format!("failed to start: {error}"))).into(),
    }
}

async fn run(cli: Cli) -> Exit {
    let result = tokio::select! {
        result = cli.command.run() => result,
        () = interrupt::untaken() => Err(Failure::new(Exit::Interrupted, "interrupted: nothing was changed")),
    };
    result.unwrap_or_else(ended)
}

fn ended(failure: Failure) -> Exit {
    terminal::say(render::failure(&failure));
    failure.exit
}

/// Help and version were asked for; everything else that clap says is about wrong input.
fn told_by_clap(told: &clap::Error) -> ExitCode {
    // Nobody is left to tell where even this cannot be written.
    let _ = told.print();
    if told.use_stderr() { Exit::Input.into() } else { Exit::Ok.into() }
}

/// Our own words from `-v` on, the SDK's from `-vvv` on. What finds credentials and endpoints says nothing even then: it
/// writes down access keys as soon as it has them, which is before anybody can mask them.
fn trace(verbose: u8) {
    let levels = match verbose {
        0 => "off",
        1 => "bullstra_up=info,up_apply=info,up_kinds=info,up_sandbox=info,up_state=info",
        2 => "bullstra_up=debug,up_apply=debug,up_kinds=debug,up_sandbox=debug,up_state=debug",
        _ => {
            "debug,hyper=info,h2=info,rustls=info,aws_smithy_runtime::client::http::body=info,aws_config=off,\
             aws_smithy_runtime::client::orchestrator::auth=off,aws_smithy_runtime::client::orchestrator::endpoints=off"
        }
    };
    let lines = tracing_subscriber::fmt().with_env_filter(EnvFilter::new(levels)).with_target(false);
    lines.with_writer(|| secrets::MaskedStderr).with_ansi(terminal::is_coloured()).init();
}
