//! Twenty stacks in one process, each with its own secrets, limits, interrupt and reporter.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use serde_json::json;
use tempfile::TempDir;
use up_apply::{Event, EventKind};
use up_engine::{
    Engine, Failure, FinishedRun, Goal, Interrupt, Level, LimitOptions, MASK, PlanOptions, Reason, Reporter,
    RunOptions, RunRequest, SessionOptions, live_resources,
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
    sent: OnceLock<()>,
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
        if let (EventKind::Answered { .. }, Some(interrupt)) = (&event.what, self.interrupt.get()) {
            // A second one would abandon the calls in flight.
            self.sent.get_or_init(|| interrupt.send());
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

fn secrets() -> Vec<String> {
    (0..STACKS).map(secret).collect()
}

fn secret(number: usize) -> String {
    format!("token-of-stack-{number:02}-zebra")
}

/// Log groups one after the other, the last with a name that is the next stack's secret and no secret here; and a role that AWS
/// refuses, with a message that quotes the secrets of all stacks.
fn toml(number: usize) -> String {
    let others = secret((number + 1) % STACKS);
    format!(
        r#"
[stack]
name = "twenty-{number:02}"
region = "us-east-1"

[inputs.token]
type = "string"
description = "A secret."
sensitive = true

[logs.log_group.first]
name = "first-{number:02}"

[logs.log_group.second]
name = "second-{number:02}"
depends_on = ["logs.log_group.first"]

[logs.log_group.third]
name = "{others}"
depends_on = ["logs.log_group.second"]

[iam.role.app]
description = "${{inputs.token}}"

[iam.role.app.assume_role_policy_document]
Version = "2012-10-17"

[[iam.role.app.assume_role_policy_document.Statement]]
Effect = "Allow"
Action = "sts:AssumeRole"
Principal = {{ Service = "ecs-tasks.amazonaws.com" }}
"#
    )
}

impl Work {
    fn new(number: usize, root: &Path, endpoint: &str) -> Self {
        let folder = root.join(number.to_string());
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("stack.toml"), toml(number)).unwrap();
        let reporter = Arc::new(Recorder::default());
        let engine = Engine::new(reporter.clone());
        if number == INTERRUPTED {
            reporter.interrupt.set(engine.interrupt.clone()).unwrap();
        }
        let limits = LimitOptions { keep: Some(LIMITED.contains(&number)), folder: Some(folder.join("limits")) };
        let options = SessionOptions {
            endpoint_url: Some(endpoint.to_owned()),
            is_sandbox: true,
            limits,
            settle: Duration::from_secs(1),
            state: Some(up_state::StateLocation::Folder(folder.join("state"))),
            ..SessionOptions::default()
        };
        Self { engine, reporter, folder, options }
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
        self.engine.prepare(request).await?.apply().await
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
    let sandbox = up_sandbox::SandboxOptions { idle, ..up_sandbox::SandboxOptions::named("engine") };
    let endpoint = up_sandbox::start(&sandbox).await.unwrap().endpoint;
    up_sandbox::reset(&sandbox).await.unwrap();
    let refuse = json!({ "status": 400, "code": "InvalidInput", "message": secrets().join(", ") });
    let fault = json!({ "match": { "service": "iam", "operation": "CreateRole" }, "do": { "refuse": refuse } });
    up_sandbox::control::post(&endpoint, "faults", &json!({ "faults": [fault] })).await.unwrap();
    let root = TempDir::new().unwrap();
    let works: Vec<_> = (0..STACKS).map(|number| Arc::new(Work::new(number, root.path(), &endpoint))).collect();

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
        let own = secret(number);
        assert!(!output.contains(&own), "stack {number} shows its secret:\n{output}");
        if number == INTERRUPTED {
            assert!(finished.interrupted && !finished.outcome.skipped.is_empty(), "{finished:?}");
            assert!(output.contains("interrupted: waiting for the calls in flight"), "{output}");
            continue;
        }
        assert!(!finished.interrupted, "stack {number} was interrupted");
        assert_eq!(finished.outcome.done.get("create"), Some(&3), "{finished:?}");
        // Of the secrets that AWS quotes, each stack masks its own, and no other's.
        let quoted = secrets().join(", ").replace(&own, MASK);
        assert!(output.contains(&quoted), "stack {number} masks another's secret, or not its own:\n{output}");
    }

    // Each keeps to limits in its own folder, or to none.
    let limited: BTreeSet<_> = (0..STACKS).filter(|number| works[*number].folder.join("limits").exists()).collect();
    assert_eq!(limited, LIMITED.into());

    // Each counts its own calls.
    let recorded = up_sandbox::calls(&sandbox, 0).await.unwrap()["calls"].as_array().unwrap().len();
    let counted = works.iter().map(|work| work.engine.meter.counts().values().sum::<u64>()).sum::<u64>();
    assert_eq!(counted, recorded as u64);

    // An interrupt before a plan is carried out ends the work at once: of this stack alone.
    let again = works[INTERRUPTED].apply(secret(INTERRUPTED)).await.unwrap_err();
    assert_eq!(again.reason, Reason::Interrupted);
    let work = &works[0];
    let stack = work.load(&secret(0)).unwrap();
    let session = work.engine.open(&up_engine::StackTarget::of(&stack), &work.options).await.unwrap();
    let observation = session.observe(&stack.resources, &stack.outputs).await.unwrap();
    assert_eq!(live_resources(&stack, &observation.live_stack).len(), 3);
}
