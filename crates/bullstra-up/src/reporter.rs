//! Shows what the engine reports, on stderr.

use std::sync::{Mutex, MutexGuard, PoisonError};

use up_apply::Event;
use up_core::Meter;
use up_engine::{Answer, Level, Reporter};
use up_plan::Plan;

use crate::{
    render::{self, Progress},
    terminal,
};

/// Writes messages and the progress of a run to stderr, and asks there.
#[derive(Debug, Default)]
pub(crate) struct TerminalReporter {
    /// While a plan is applied.
    progress: Mutex<Option<Progress>>,
}

impl TerminalReporter {
    /// Whole even after a panic elsewhere: the progress is there or not.
    fn progress(&self) -> MutexGuard<'_, Option<Progress>> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reporter for TerminalReporter {
    fn message(&self, level: Level, text: &str) {
        let line = render::message(level, text);
        match &*self.progress() {
            Some(progress) => progress.say(&line),
            None => terminal::say(line),
        }
    }

    fn run_begins(&self, plan: &Plan, meter: &Meter) {
        *self.progress() = Some(Progress::watch(plan, meter.clone(), terminal::is_attended()));
    }

    fn step(&self, event: &Event) {
        if let Some(progress) = &*self.progress() {
            progress.take(event);
        }
    }

    fn run_ends(&self) {
        // Taken out first: its end draws, and must not hold the lock.
        let ended = self.progress().take();
        drop(ended);
    }

    fn ask(&self, question: &str) -> Answer {
        if !terminal::is_attended() {
            return Answer::Unattended;
        }
        terminal::ask(question).map_or(Answer::Nothing, Answer::Text)
    }
}
