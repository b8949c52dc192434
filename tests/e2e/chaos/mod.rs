//! Nothing lost, nothing created twice: production is applied, replaced and destroyed while the program is killed at
//! its calls and AWS fails, throttles and sends wrong answers. It must end as an undisturbed run does.
//!
//! `cargo chaos` runs a sample, `cargo chaos --all` kills at every changing call at all four moments, `--seed N`
//! repeats one seed.

mod kill;
mod lie;
mod stage;
mod table;
mod world;

use std::{
    collections::VecDeque,
    io::{IsTerminal, Write, stderr},
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

use libtest_mimic::Trial;

use self::{kill::Kills, lie::Lie, stage::WorkerSandbox, table::ResultTable};
use crate::{
    harness::{Result, fail},
    trial,
};

/// The arguments of `cargo chaos`.
#[derive(Debug, Clone)]
struct ChaosOptions {
    all: bool,
    seed: u64,
    workers: usize,
    only: Option<String>,
}

/// A test run with faults.
#[derive(Debug, Clone)]
enum FaultyRun {
    Killed(Kills),
    LiedTo(Lie),
}

/// The results of test runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Tally {
    /// The number of test runs.
    lives: usize,
    /// How often the program was killed, or AWS misbehaved.
    faults: usize,
    /// Test runs that ended like an undisturbed one.
    converged: usize,
    /// Duplicate resources.
    duplicates: usize,
    /// Resources that an undisturbed run would not have left.
    orphans: usize,
    /// How often repeating the same command was not enough.
    manual: usize,
}

/// In CI: some of the kills, as a test. Faults of AWS take longer, and are left to `cargo chaos`.
pub(crate) fn trials() -> Vec<Trial> {
    let options = ChaosOptions { all: false, seed: 1, workers: 2, only: Some("killed".into()) };
    vec![trial("chaos::sample", move || run(&options))]
}

/// `cargo chaos`: runs with the given arguments.
pub(crate) fn command(arguments: &[String]) -> Result {
    run(&options(arguments)?)
}

fn options(arguments: &[String]) -> Result<ChaosOptions> {
    let seed = std::time::SystemTime::UNIX_EPOCH.elapsed()?.as_secs() % 100_000;
    let mut options = ChaosOptions { all: false, seed, workers: 2, only: None };
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} takes a value"));
        match argument.as_str() {
            "--all" => options.all = true,
            "--seed" => options.seed = value()?.parse()?,
            "--workers" => options.workers = value()?.parse()?,
            "--only" => options.only = Some(value()?.clone()),
            other => return fail(format!("unknown: {other}; there are --all, --seed N, --workers N, --only NAME")),
        }
    }
    Ok(options)
}

/// Runs all tests, prints the table, and fails if a row breaks a promise.
fn run(options: &ChaosOptions) -> Result {
    let lives = lives(options);
    let table = Mutex::new(ResultTable::new(options.seed));
    let queue: Mutex<VecDeque<FaultyRun>> = Mutex::new(lives.into());
    let total = queue.lock().expect("nobody has panicked").len();
    let began = Instant::now();
    thread::scope(|scope| {
        for worker in 0..options.workers {
            let (queue, table) = (&queue, &table);
            scope.spawn(move || {
                let sandbox = WorkerSandbox::start(worker);
                loop {
                    let life = queue.lock().expect("nobody has panicked").pop_front();
                    let Some(life) = life else { return };
                    let tally = sandbox
                        .as_ref()
                        .map_err(ToString::to_string)
                        .and_then(|sandbox| life.live(sandbox).map_err(|error| error.to_string()));
                    let mut table = table.lock().expect("nobody has panicked");
                    table.add(&life.row(), &life.to_string(), tally);
                    progress(&table, total, began.elapsed());
                }
            });
        }
    });
    let table = table.into_inner().expect("nobody has panicked");
    table.print(began.elapsed());
    table.verdict()
}

fn lives(options: &ChaosOptions) -> Vec<FaultyRun> {
    let kills = kill::lives(options.all, options.seed).into_iter().map(FaultyRun::Killed);
    let lies = lie::lives(options.all, options.seed).into_iter().map(FaultyRun::LiedTo);
    let wanted = |life: &FaultyRun| options.only.as_ref().is_none_or(|only| life.row().contains(only.as_str()));
    kills.chain(lies).filter(wanted).collect()
}

impl FaultyRun {
    fn live(&self, sandbox: &WorkerSandbox) -> Result<Tally> {
        match self {
            Self::Killed(kills) => kills.live(sandbox),
            Self::LiedTo(lie) => lie.live(sandbox),
        }
    }

    /// The row of the table.
    fn row(&self) -> String {
        match self {
            Self::Killed(kills) => kills.row(),
            Self::LiedTo(lie) => lie.row(),
        }
    }
}

impl std::fmt::Display for FaultyRun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Killed(kills) => write!(f, "{kills}"),
            Self::LiedTo(lie) => write!(f, "{lie}"),
        }
    }
}

fn progress(table: &ResultTable, total: usize, elapsed: Duration) {
    let mut out = stderr();
    let end = if out.is_terminal() { "\r" } else { "\n" };
    let (lives, faults) = table.counts();
    // A failed write is ignored: the table at the end has the results.
    let _ = write!(out, "chaos: {lives} of {total} lives, {faults} faults, {} s{end}", elapsed.as_secs());
}
