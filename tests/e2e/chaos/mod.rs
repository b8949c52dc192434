//! Nothing lost, nothing twice, whatever happens meanwhile: production is applied, replaced and destroyed while the
//! program is killed at its calls and AWS fails, throttles and lies, and must end as an undisturbed run does.
//!
//! `cargo chaos` runs a sample, `cargo chaos --all` every mutating call at all four instants, `--seed N` one seed again.

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

use self::{kill::Kills, lie::Lie, stage::Sandbox, table::Table};
use crate::{
    harness::{Result, fail},
    trial,
};

/// What is to be tried.
#[derive(Debug, Clone)]
struct Options {
    all: bool,
    seed: u64,
    workers: usize,
    only: Option<String>,
}

/// One row's worth of trying.
#[derive(Debug, Clone)]
enum Life {
    Killed(Kills),
    LiedTo(Lie),
}

/// What came of one life.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Tally {
    /// Lives.
    lives: usize,
    /// Times that the program was killed, or that AWS misbehaved.
    faults: usize,
    /// Lives that ended as an undisturbed one.
    converged: usize,
    /// Resources there twice.
    duplicates: usize,
    /// Resources that an undisturbed run would not have left.
    orphans: usize,
    /// Times that the same command again was not enough.
    manual: usize,
}

/// In CI: some of the kills, as a test. What AWS does to a run takes longer, and is left to `cargo chaos`.
pub(crate) fn trials() -> Vec<Trial> {
    let options = Options { all: false, seed: 1, workers: 2, only: Some("killed".into()) };
    vec![trial("chaos::sample", move || run(&options))]
}

/// `cargo chaos`: runs what the arguments say.
pub(crate) fn command(arguments: &[String]) -> Result {
    run(&options(arguments)?)
}

fn options(arguments: &[String]) -> Result<Options> {
    let seed = std::time::SystemTime::UNIX_EPOCH.elapsed()?.as_secs() % 100_000;
    let mut options = Options { all: false, seed, workers: 2, only: None };
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

/// Tries it all, prints the table, and fails where a line of it is not as promised.
fn run(options: &Options) -> Result {
    let lives = lives(options);
    let table = Mutex::new(Table::new(options.seed));
    let queue: Mutex<VecDeque<Life>> = Mutex::new(lives.into());
    let total = queue.lock().expect("nobody has panicked").len();
    let began = Instant::now();
    thread::scope(|scope| {
        for worker in 0..options.workers {
            let (queue, table) = (&queue, &table);
            scope.spawn(move || {
                let sandbox = Sandbox::start(worker);
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

fn lives(options: &Options) -> Vec<Life> {
    let kills = kill::lives(options.all, options.seed).into_iter().map(Life::Killed);
    let lies = lie::lives(options.all, options.seed).into_iter().map(Life::LiedTo);
    let wanted = |life: &Life| options.only.as_ref().is_none_or(|only| life.row().contains(only.as_str()));
    kills.chain(lies).filter(wanted).collect()
}

impl Life {
    fn live(&self, sandbox: &Sandbox) -> Result<Tally> {
        match self {
            Self::Killed(kills) => kills.live(sandbox),
            Self::LiedTo(lie) => lie.live(sandbox),
        }
    }

    /// The line of the table it counts in.
    fn row(&self) -> String {
        match self {
            Self::Killed(kills) => kills.row(),
            Self::LiedTo(lie) => lie.row(),
        }
    }
}

impl std::fmt::Display for Life {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Killed(kills) => write!(f, "{kills}"),
            Self::LiedTo(lie) => write!(f, "{lie}"),
        }
    }
}

fn progress(table: &Table, total: usize, elapsed: Duration) {
    let mut out = stderr();
    let end = if out.is_terminal() { "\r" } else { "\n" };
    let (lives, faults) = table.counts();
    // Where nobody can be told, the table at the end says it all.
    let _ = write!(out, "chaos: {lives} of {total} lives, {faults} faults, {} s{end}", elapsed.as_secs());
}
