//! Looks of the engine at stacks.

use std::{
    collections::BTreeMap,
    fmt,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{runtime::Handle, task::spawn_blocking};
use up_core::Meter;
use up_engine::{
    DriftOptions, DriftReport, Engine, Failure, Level, Reason, Reporter, Session, SessionOptions, Silent, StackTarget,
};
use up_stack::{LoadOptions, Stack};
use up_state::RunResult;
use up_watch::{Boxed, Calls, Cause, LastRun, Look, LookFailure, Looker, Looking, WatchedStack};

use super::found;
use crate::{
    options::{AwsArgs, InputArgs},
    render::ApiCalls,
    secrets::{self, Registered},
};

/// Looks at stacks with the engine. Each look has an engine of its own, so that nothing piles up.
pub(super) struct EngineLooker {
    stacks: BTreeMap<String, Arc<StackOptions>>,
    /// The whole result of the last look, for those who ask for it.
    last: Option<Arc<LastLook>>,
}

/// The whole result of a look.
#[derive(Debug, Default)]
pub(super) struct LastLook(Mutex<(Option<Result<DriftReport, Failure>>, Meter)>);

impl LastLook {
    /// Takes the result, if the look has got so far, and its calls.
    pub(super) fn take(&self) -> (Option<Result<DriftReport, Failure>>, ApiCalls) {
        let (result, meter) = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        (result, ApiCalls::of(&meter))
    }

    fn keep(&self, result: Option<Result<DriftReport, Failure>>, engine: &Engine) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = (result, engine.meter.clone());
    }
}

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
        f.debug_set().entries(self.stacks.keys()).finish()
    }
}

impl EngineLooker {
    /// Reads the options of all stacks. `session` is how a stack is reached that says nothing else.
    pub(super) fn new(stacks: &[WatchedStack], aws: &AwsArgs, session: SessionOptions) -> Result<Self, Failure> {
        let options = |stack: &WatchedStack| Ok((stack.name.clone(), Arc::new(options(stack, aws, session.clone())?)));
        Ok(Self { stacks: stacks.iter().map(options).collect::<Result<_, Failure>>()?, last: None })
    }

    /// The same, and keeps the whole result of the last look.
    pub(super) fn keeping(self) -> (Self, Arc<LastLook>) {
        let last = Arc::<LastLook>::default();
        (Self { last: Some(last.clone()), ..self }, last)
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
        let mut engine = Engine::new(notes.clone());
        if let Some(last) = &self.last {
            // The result is shown after the look has ended: it is masked for as long as the process lives.
            engine = engine.with_secrets(secrets::of_process());
            last.keep(None, &engine);
        }
        let masks = secrets::also(&engine.secrets);
        let (options, engine, last) = (self.stacks[&stack.name].clone(), Interrupting(engine), self.last.clone());
        Box::new(EngineLook { options, engine, notes, opened: None, last, _masks: masks })
    }

    fn last_run<'a>(&'a self, stack: &'a WatchedStack) -> Boxed<'a, Result<Option<LastRun>, LookFailure>> {
        let options = self.stacks[&stack.name].clone();
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
            .map_err(|failure| found::failure(&failure))
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
    last: Option<Arc<LastLook>>,
    /// Until the look ends, all output is masked with its secrets.
    _masks: Registered,
}

impl fmt::Debug for EngineLook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EngineLook").field("file", &self.options.file).finish_non_exhaustive()
    }
}

impl EngineLook {
    fn failed(&self, failure: Failure) -> LookFailure {
        let told = found::failure(&failure);
        if let Some(last) = &self.last {
            last.keep(Some(Err(failure)), &self.engine.0);
        }
        told
    }
}

impl Looking for EngineLook {
    fn open(&mut self) -> Boxed<'_, Result<String, LookFailure>> {
        Box::pin(async move {
            let (options, engine) = (self.options.clone(), self.engine.0.clone());
            let opened = aside(async move {
                let stack = engine.load(&options.file, &options.load)?;
                let session = engine.open(&StackTarget::of(&stack), &options.session).await?;
                Ok((stack, session))
            });
            let opened = Arc::new(opened.await.map_err(|failure| self.failed(failure))?);
            let account = opened.1.cx.account().to_owned();
            self.opened = Some(opened);
            Ok(account)
        })
    }

    fn look(&mut self) -> Boxed<'_, Result<Look, LookFailure>> {
        Box::pin(async move {
            let opened =
                self.opened.take().ok_or_else(|| LookFailure::new(Cause::Failed, "the look was not opened"))?;
            let options = self.options.drift;
            let report = aside(async move { opened.1.drift(&opened.0, options).await }).await;
            let report = report.map_err(|failure| self.failed(failure))?;
            let look = found::look(&report, &self.notes.take());
            if let Some(last) = &self.last {
                last.keep(Some(Ok(report)), &self.engine.0);
            }
            Ok(look)
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
) -> Result<T, Failure> {
    let runtime = Handle::current();
    match spawn_blocking(move || runtime.block_on(work)).await {
        Ok(ended) => ended,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(Failure::interrupted()),
        },
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
