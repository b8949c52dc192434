//! Measures calls, time and memory for stacks of any size, compared with the least that AWS allows.
//!
//! `cargo measure` prints a table for people on stderr and one JSON document on stdout. `cargo measure --help` lists
//! the options. In CI the calls of stacks of a hundred resources are counted: counts are exact, times are not.

mod bound;
mod plot;
mod probe;
mod report;
mod shapes;

use std::{
    io::{Write, stdout},
    path::PathBuf,
};

use libtest_mimic::Trial;
use serde_json::{Value, json};

use self::{
    report::{PhaseRow, Report},
    shapes::StackShape,
};
use crate::{
    harness::{Account, Result, fail, golden, root, sandbox, say},
    trial,
};

const HELP: &str = "\
cargo measure [--sizes 100,1000] [--shapes network,service,wide,site,names] [--latencies 0,50] [--time-scale 10] [--plot FILE]

  --sizes       resources of a stack, about
  --shapes      network: long chains; service: many kinds; wide: what needs nothing; site and names: of one size
  --latencies   milliseconds added to each answer
  --time-scale  what AWS's creation times are divided by; the smaller, the less the sandbox's own time counts
  --limits      with AWS's published request limits, in the sandbox and in the engine
  --plot        draws what a resource costs as stacks grow, as SVG";

/// The arguments of `cargo measure`.
#[derive(Debug, Clone)]
struct MeasureOptions {
    sizes: Vec<usize>,
    shapes: Vec<StackShape>,
    latencies: Vec<u64>,
    time_scale: f64,
    limits: bool,
    plot: Option<PathBuf>,
}

/// In CI: the calls of a hundred resources of each shape.
pub(crate) fn trials() -> Vec<Trial> {
    StackShape::ALL.map(|shape| trial(format!("measure::counts_{}", shape.name()), move || counts(shape))).into()
}

/// `cargo measure`: runs with the given arguments.
pub(crate) fn command(arguments: &[String]) -> Result {
    run(&options(arguments)?)
}

fn options(arguments: &[String]) -> Result<MeasureOptions> {
    let mut options = MeasureOptions {
        sizes: vec![100, 1000],
        shapes: StackShape::ALL.into(),
        latencies: vec![0, 50],
        time_scale: 10.0,
        limits: false,
        plot: None,
    };
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} takes a value"));
        match argument.as_str() {
            "--sizes" => options.sizes = numbers(value()?)?,
            "--latencies" => options.latencies = numbers(value()?)?,
            "--shapes" => options.shapes = value()?.split(',').map(named).collect::<Result<_>>()?,
            "--time-scale" => options.time_scale = value()?.parse()?,
            "--limits" => options.limits = true,
            "--plot" => options.plot = Some(value()?.into()),
            _ => return fail(HELP),
        }
    }
    Ok(options)
}

fn numbers<T: std::str::FromStr<Err = std::num::ParseIntError>>(text: &str) -> Result<Vec<T>> {
    text.split(',').map(|number| Ok(number.parse()?)).collect()
}

fn named(name: &str) -> Result<StackShape> {
    let shape = StackShape::ALL.into_iter().find(|shape| shape.name() == name);
    shape.ok_or_else(|| format!("{name} is no shape; there are network, service, wide, site and names").into())
}

fn run(options: &MeasureOptions) -> Result {
    // One for each set of shapes: they can be measured in parallel.
    let shapes: Vec<_> = options.shapes.iter().map(|shape| shape.name()).collect();
    let endpoint: &'static str = sandbox(&format!("measure-{}", shapes.join("-"))).leak();
    let mut report = Report::default();
    for &latency in &options.latencies {
        for &size in &options.sizes {
            for &shape in &options.shapes {
                let subject = Subject { shape, size, latency, limits: options.limits };
                let account = Account::at(endpoint);
                let buckets = options.limits.then(|| json!({ "scale": 1.0 }));
                account.configure(&json!({ "time_scale": options.time_scale, "buckets": buckets }))?;
                subject.life(&account, &mut |row| {
                    say(&row.line());
                    report.add(row);
                })?;
                account.tell(&format!("forget?access_key={}", account.id), &json!({}))?;
            }
        }
    }
    say(&report.table());
    if let Some(file) = &options.plot {
        plot::draw(&report, file)?;
    }
    stdout().write_all(serde_json::to_string_pretty(&report)?.as_bytes())?;
    Ok(())
}

/// One stack, from create to destroy.
struct Subject {
    shape: StackShape,
    size: usize,
    latency: u64,
    limits: bool,
}

impl Subject {
    /// Measures all its phases.
    fn life(&self, account: &Account, add: &mut dyn FnMut(PhaseRow)) -> Result {
        self.shape.write(self.size, account.folder.path())?;
        let limits = if self.limits { "aws" } else { "none" };
        let plan = ["plan", "stack.toml", "--request-limits", limits];
        let change = |command| [command, "stack.toml", "--auto-approve", "--unprotect", "--request-limits", limits];
        self.faults(account, false)?;

        let empty = probe::run(account, &plan)?;
        let steps = empty.answer["steps"].clone();
        let times = bound::Times::of(account, self.latency, self.limits)?;
        let resources = steps.as_array().map_or(0, Vec::len);
        let row = |phase, sample: &probe::Sample, bound| {
            PhaseRow::new(self.shape.name(), resources, self.latency, phase, sample, bound)
        };
        add(row("plan, nothing there", &empty, times.looking(&empty)));

        let made = probe::run(account, &change("apply"))?;
        add(row("apply", &made, times.making(&steps, &empty, &made)?));

        let same = probe::run(account, &plan)?;
        add(row("plan, no change", &same, times.looking(&same)));
        if same.answer["steps"].as_array().is_none_or(|steps| !steps.is_empty()) {
            return fail(format!("there is something to do after an apply: {}", same.answer["steps"]));
        }

        self.faults(account, true)?;
        probe::run(account, &plan)?;
        let replayed = probe::run(account, &plan)?;
        add(row("plan, no change, replayed", &replayed, times.looking(&replayed)));
        self.faults(account, false)?;

        account.python(self.shape.drift())?;
        let drifted = probe::run(account, &plan)?;
        add(row("plan, one changed", &drifted, times.looking(&drifted)));
        if drifted.answer["summary"]["update"] != 1 {
            return fail(format!("one was changed, and the plan says {}", drifted.answer["summary"]));
        }
        let restored = probe::run(account, &change("apply"))?;
        add(row("apply, one changed", &restored, times.making(&drifted.answer["steps"], &drifted, &restored)?));

        let gone = probe::run(account, &change("destroy"))?;
        add(row(DESTROY, &gone, times.taking_away(&steps, &same, &gone)?));
        Ok(())
    }

    /// Sets the latency of answers, and `replay`; removes all other settings.
    fn faults(&self, account: &Account, replay: bool) -> Result {
        let latency = (self.latency > 0).then(|| json!({ "do": { "latency": { "fixed_ms": self.latency } } }));
        let replay = replay.then(|| json!({ "do": { "replay": {} } }));
        let faults: Vec<Value> = latency.into_iter().chain(replay).collect();
        account.plant(&json!(faults))
    }
}

/// All calls of a plan, and the changing calls of an apply, sorted by name. How often a delete is repeated depends on
/// when AWS releases the resource.
fn counts(shape: StackShape) -> Result {
    let account = Account::new();
    let mut text = String::new();
    let (mut reads, mut broken) = (vec![], vec![]);
    Subject { shape, size: 100, latency: 0, limits: false }.life(&account, &mut |row| {
        if row.phase != DESTROY {
            text += &row.counts();
        }
        let most = shape.most(row.phase).filter(|most| row.calls > *most);
        broken.extend(most.map(|most| format!("{}: {} calls, and {most} are promised", row.phase, row.calls)));
        reads.push((row.phase, row.reads_a_resource()));
    })?;
    // How often the state is polled depends on how long AWS takes.
    if let Some((phase, reads)) = reads.iter().find(|(_, reads)| *reads > MOST_READS) {
        return fail(format!("{phase}: {reads:.1} calls a resource that change nothing, and {MOST_READS} are allowed"));
    }
    if !broken.is_empty() {
        return fail(broken.join("; "));
    }
    golden(&root().join(format!("tests/measure/{}.txt", shape.name())), &text)
}

/// The last phase.
const DESTROY: &str = "destroy";
/// The greatest number of reading calls for each resource, in any phase.
const MOST_READS: f64 = 3.0;
