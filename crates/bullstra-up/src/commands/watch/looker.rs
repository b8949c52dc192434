//! Looks of the engine at stacks.

use std::{collections::BTreeMap, fmt, path::PathBuf, sync::{Arc, Mutex, PoisonError}};

use tokio::{runtime::Handle, task::spawn_blocking};
use up_engine::{DriftOptions, Engine, Failure, Level, Reason, Reporter, Session, SessionOptions, Silent, StackTarget};
use up_stack::{LoadOptions, Stack};
use up_state::RunResult;
use up_watch::{Boxed, Calls, Cause, LastRun, Look, LookFailure, Looker, Looking, WatchedStack};

use super::found;
use crate::{
    options::{AwsArgs, InputArgs},
    secrets::{self, Registered},
};

/// Looks at stacks with the engine. Each look has an engine of its own, so that nothing piles up.
pub(super) struct EngineLooker(BTreeMap<String, Arc<StackOptions>>);

/// How one stack is looked at.
struct StackOptions {
    file: PathBuf,
    load: LoadOptions,
    session: SessionOptions,
    drift: DriftOptions,
}

impl fmt::Debug for EngineLooker {
    /// Values of inputs may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl EngineLooker {
    /// Reads the options of all stacks. `session` is how a stack is reached that says nothing else.
    pub(super) fn new(stacks: &[WatchedStack], aws: &AwsArgs, session: SessionOptions) -> Result<Self, Failure> {
        let options = |stack: &WatchedStack| Ok((stack.name.clone(), Arc::new(options(stack, aws, session.clone())?)));
        stacks.iter().map(options).collect::<Result<_, _>>().map(Self)
    }
}

fn options(stack: &WatchedStack, aws: &AwsArgs, session: SessionOptions) -> Result<StackOptions, Failure> {
    let wrong = |key: &str, error: String| {
        Failure::new(Reason::Input, format!("`[[stack]]` `{}`: `{key}`: {error}", stack.name))
    };
    let role_arn = stack.role_arn.as_deref().map(str::parse).transpose().map_err(|error| wrong("role_arn", error))?;
    let state = stack.state.as_deref().map(str::parse).transpose().map_err(|error| wrong("state", error))?;
    let inputs = InputArgs { set: vec![], allow_path: stack.allow_paths.clone() };
    let load = inputs.options(aws);
    Ok(StackOptions {
        file: stack.file.clone(),
        load: LoadOptions { set: stack.set.clone(), region: stack.region.clone().or(load.region), ..load },
        session: SessionOptions {
            region: stack.region.clone().or(session.region),
            profile: stack.profile.clone().or(session.profile),
            role_arn: role_arn.or(session.role_arn),
            state: state.or(session.state),
            ..session
        },
        drift: DriftOptions { undeclared: stack.undeclared },
    })
}

impl Looker for EngineLooker {
    fn begin(&self, stack: &WatchedStack) -> Box<dyn Looking> {
        let notes = Arc::new(Notes::default());
        let engine = Engine::new(notes.clone());
        let masks = secrets::also(&engine.secrets);
        let (options, engine) = (self.0[&stack.name].clone(), Interrupting(engine));
        Box::new(EngineLook { options, engine, notes, opened: None, _masks: masks })
    }

    fn last_run<'a>(&'a self, stack: &'a WatchedStack) -> Boxed<'a, Result<Option<LastRun>, LookFailure>> {
        let options = self.0[&stack.name].clone();
        Box::pin(async move {
            let guard = Interrupting(Engine::new(Arc::new(Silent)));
            let _masks = secrets::also(&guard.0.secrets);
            let engine = guard.0.clone();
            aside(async move {
                let stack = engine.load(&options.file, &options.load)?;
                let history = engine.history(&StackTarget::of(&stack), &options.session).await?;
                Ok(history.runs(1)?.runs.into_iter().next())
            })
            .await
            .map(|run| {
                run.map(|run| LastRun {
                    is_running: run.result == RunResult::Running,
                    what: run.begin.map_or("a run".to_owned(), |it| format!("{} by {}", it.command, it.owner)),
                    id: run.run,
                    at: run.heard,
                })
            })
        })
    }
}

/// A look of the engine.
struct EngineLook {
    options: Arc<StackOptions>,
    engine: Interrupting,
    notes: Arc<Notes>,
    opened: Option<Arc<(Stack, Session)>>,
    /// Until the look ends, all output is masked with its secrets.
    _masks: Registered,
}

impl fmt::Debug for EngineLook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EngineLook").field("file", &self.options.file).finish_non_exhaustive()
    }
}

impl Looking for EngineLook {
    fn open(&mut self) -> Boxed<'_, Result<String, LookFailure>> {
        Box::pin(async {
            let (options, engine) = (self.options.clone(), self.engine.0.clone());
            let opened = aside(async move {
                let stack = engine.load(&options.file, &options.load)?;
                let session = engine.open(&StackTarget::of(&stack), &options.session).await?;
                Ok((stack, session))
            });
            let opened = Arc::new(opened.await?);
            let account = opened.1.cx.account().to_owned();
            self.opened = Some(opened);
            Ok(account)
        })
    }

    fn look(&mut self) -> Boxed<'_, Result<Look, LookFailure>> {
        Box::pin(async {
            let opened = self.opened.take().ok_or_else(|| LookFailure::new(Cause::Failed, "the look was not opened"))?;
            let options = self.options.drift;
            let report = aside(async move { opened.1.drift(&opened.0, options).await }).await?;
            Ok(found::look(report, self.notes.take()))
        })
    }

    fn calls(&self) -> Calls {
        let mut by_service: BTreeMap<String, u64> = BTreeMap::new();
        for (call, count) in self.engine.0.meter.counts() {
            *by_service.entry(call.service).or_default() += count;
        }
        Calls { by_service, throttled: self.engine.0.meter.throttled() }
    }
}

/// An engine that is interrupted when this is dropped: a thread that still works for it then ends with the call that it is in.
struct Interrupting(Engine);

impl Drop for Interrupting {
    fn drop(&mut self) {
        self.0.interrupt.send();
    }
}

/// Does `work` on a thread of its own: the state is read by calls that block.
async fn aside<T: Send + 'static>(
    work: impl Future<Output = Result<T, Failure>> + Send + 'static,
) -> Result<T, LookFailure> {
    let runtime = Handle::current();
    match spawn_blocking(move || runtime.block_on(work)).await {
        Ok(ended) => ended.map_err(|failure| found::failure(&failure)),
        Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
    }
}

/// Keeps the engine's messages as notes of the look.
#[derive(Debug, Default)]
struct Notes(Mutex<Vec<String>>);

impl Notes {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Reporter for Notes {
    fn message(&self, _: Level, text: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(text.to_owned());
    }
}
