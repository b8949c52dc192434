//! Twenty stacks in one process, each with its own secrets, limits, interrupt and reporter.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use tempfile::TempDir;
use up_apply::{Event, What};
use up_engine::{
    Engine, Failure, FinishedRun, Goal, Interrupt, Level, LimitOptions, PlanOptions, Reason, Reporter, RunOptions,
    RunRequest, SessionOptions, live_resources,
};

const STACKS: usize = 20;
/// The stack that is interrupted.
const INTERRUPTED: usize = 7;
/// The stacks that keep to AWS's request limits.
const LIMITED: [usize; 2] = [3, 4];

/// Keeps what it is told, and interrupts its engine after the first call, if it is to.
#[derive(Debug, Default)]
struct Recorder {
    lines: Mutex<Vec<String>>,
    interrupt: OnceLock<Interrupt>,
}

impl Recorder {
    fn add(&self, line: String) {
        self.lines.lock().unwrap().push(line);
    }

    fn text(&self) -> String {
        self.lines.lock().unwrap().join("\n")
    }
}

impl Reporter for Recorder {
    fn message(&self, level: Level, text: &str) {
        self.add(format!("{level:?}: {text}"));
    }

    fn step(&self, event: &Event) {
        self.add(format!("{event:?}"));
        if let (What::Answered { .. }, Some(interrupt)) = (&event.what, self.interrupt.get()) {
            interrupt.send();
        }
    }
}

/// One of the stacks, with its engine.
struct Work {
    engine: Engine,
    reporter: Arc<Recorder>,
    folder: PathBuf,
    options: SessionOptions,
}

fn secret(number: usize) -> String {
    format!("token-of-stack-{number:02}-zebra")
}

/// The header of a stack, and a secret.
fn header(name: &str) -> String {
    format!(
        r#"
[stack]
name = "{name}"
region = "us-east-1"

[inputs.token]
type = "string"
description = "A secret."
sensitive = true
"#
    )
}

fn role(address: &str, name: &str) -> String {
    let action = r#"Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "ecs-tasks.amazonaws.com" }"#;
    let policy = format!(r#"{{ Version = "2012-10-17", Statement = [{{ {action} }}] }}"#);
    format!("\n[iam.role.{address}]\nname = \"{name}\"\nassume_role_policy_document = {policy}\n")
}

/// Log groups one after the other, the last with a name that is the next stack's secret and no secret here; and a role that AWS
/// refuses, with a message that quotes this stack's secret.
fn toml(number: usize) -> String {
    let others = secret((number + 1) % STACKS);
    let groups = format!(
        r#"
[logs.log_group.first]
name = "first-{number:02}"

[logs.log_group.second]
name = "second-{number:02}"
depends_on = ["logs.log_group.first"]

[logs.log_group.third]
name = "{others}"
depends_on = ["logs.log_group.second"]
"#
    );
    [header(&format!("twenty-{number:02}")), groups, role("app", "${inputs.token}")].concat()
}

/// A stack that owns the roles which the others try to create.
fn roles() -> String {
    let roles = (0..STACKS).map(|number| role(&format!("role-{number}"), &secret(number)));
    [header("roles")].into_iter().chain(roles).collect()
}

impl Work {
    fn new(folder: PathBuf, toml: &str, endpoint: &str, is_limited: bool) -> Self {
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("stack.toml"), toml).unwrap();
        let reporter = Arc::new(Recorder::default());
        let engine = Engine::new(reporter.clone());
        let limits = LimitOptions { keep: Some(is_limited), folder: Some(folder.join("limits")) };
        let options = SessionOptions {
            endpoint_url: Some(endpoint.to_owned()),
            is_sandbox: true,
            limits,
            settle: Duration::from_secs(1),
            state: Some(up_state::Place::Folder(folder.join("state"))),
            ..SessionOptions::default()
        };
        Self { engine, reporter, folder, options }
    }

    fn numbered(number: usize, root: &Path, endpoint: &str) -> Self {
        let work = Self::new(root.join(number.to_string()), &toml(number), endpoint, LIMITED.contains(&number));
        if number == INTERRUPTED {
            work.reporter.interrupt.set(work.engine.interrupt.clone()).unwrap();
        }
        work
    }

    fn load(&self, token: &str) -> Result<up_stack::Stack, Failure> {
        let set = vec![("token".to_owned(), token.to_owned())];
        self.engine
            .load(&self.folder.join("stack.toml"), &up_stack::LoadOptions { set, ..up_stack::LoadOptions::default() })
    }

    async fn apply(&self, token: String) -> Result<FinishedRun, Failure> {
        let goal = Goal::apply(self.load(&token)?, &PlanOptions::default());
        let (options, session) = (RunOptions::default(), self.options.clone());
        let request = RunRequest { command: "apply", goal, saved: None, options, session };
        self.engine.prepare(request).await?.carry_out().await
    }

    /// Everything that the stack's work has shown, and written beside its own files.
    fn output(&self, finished: &FinishedRun) -> String {
        let failed = finished.outcome.failed.iter().map(|(address, error)| format!("{address}: {error}"));
        let mut texts: Vec<_> = failed.chain([self.reporter.text()]).collect();
        let mut folders = vec![self.folder.join("state")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    texts.push(String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned());
                }
            }
        }
        texts.join("\n")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_stacks_in_one_process_share_nothing() {
    let idle = Some(Duration::from_secs(600));
    let sandbox = up_sandbox::Options { idle, ..up_sandbox::Options::named("engine") };
    let endpoint = up_sandbox::start(&sandbox).await.unwrap().endpoint;
    up_sandbox::reset(&sandbox).await.unwrap();
    let root = TempDir::new().unwrap();
    let owner = Work::new(root.path().join("roles"), &roles(), &endpoint, false);
    assert_eq!(owner.apply("none of these".to_owned()).await.unwrap().outcome.done["create"], STACKS);
    let works: Vec<_> = (0..STACKS).map(|number| Arc::new(Work::numbered(number, root.path(), &endpoint))).collect();

    let runs = works.iter().enumerate().map(|(number, work)| {
        let work = work.clone();
        tokio::spawn(async move { work.apply(secret(number)).await })
    });
    let runs: Vec<_> = runs.collect();
    let mut finished = vec![];
    for run in runs {
        finished.push(run.await.unwrap().unwrap());
    }

    for (number, (work, finished)) in works.iter().zip(&finished).enumerate() {
        let output = work.output(finished);
        let (own, others) = (secret(number), secret((number + 1) % STACKS));
        assert!(!output.contains(&own), "stack {number} shows its secret:\n{output}");
        if number == INTERRUPTED {
            assert!(finished.interrupted && !finished.outcome.skipped.is_empty(), "{finished:?}");
            assert!(output.contains("interrupted: waiting for the calls in flight"), "{output}");
            continue;
        }
        assert!(!finished.interrupted, "stack {number} was interrupted");
        assert_eq!(finished.outcome.done.get("create"), Some(&3), "{finished:?}");
        assert!(
            output.contains("Role with name (sensitive) already exists"),
            "stack {number} masks its secret where AWS quotes it:\n{output}"
        );
        // The same text is no secret of this stack.
        assert!(output.contains(&others), "stack {number} masks a secret of another:\n{output}");
    }

    // Each keeps to limits in its own folder, or to none.
    let limited: BTreeSet<_> = (0..STACKS).filter(|number| works[*number].folder.join("limits").exists()).collect();
    assert_eq!(limited, LIMITED.into());

    // Each counts its own calls.
    let recorded = up_sandbox::calls(&sandbox, 0).await.unwrap()["calls"].as_array().unwrap().len();
    let counted = works
        .iter()
        .map(Arc::as_ref)
        .chain([&owner])
        .map(|work| work.engine.meter.counts().values().sum::<u64>())
        .sum::<u64>();
    assert_eq!(counted, recorded as u64);

    // An interrupt before a plan is carried out ends the work at once: of this stack alone.
    let again = works[INTERRUPTED].apply(secret(INTERRUPTED)).await.unwrap_err();
    assert_eq!(again.reason, Reason::Interrupted);
    let work = &works[0];
    let stack = work.load(&secret(0)).unwrap();
    let session = work.engine.open(&up_engine::StackTarget::of(&stack), &work.options).await.unwrap();
    let observation = session.observe(&stack.resources, &stack.outputs).await.unwrap();
    assert_eq!(live_resources(&stack, &observation.world).len(), 3);
}
