//! The state of a run at one moment, and its text. Pure: the time is a parameter.

use std::{collections::BTreeMap, time::Duration};

use up_apply::{Event, EventKind};
use up_engine::about;
use up_plan::{Action, Plan};

use crate::render::{
    style::{ADDED, CHANGED, MOVED, QUIET, REMOVED, paint},
    text::{clock, count, cut, id, safe, took},
    verb::VerbForms,
};

/// Steps that take less time get no line about their start: they are done before it is read.
const WORTH_ANNOUNCING: Duration = Duration::from_secs(30);
/// The weight of the kinds' usual times against those measured in this run.
const TRUST: Duration = Duration::from_secs(30);
/// The greatest number of lines of the live view.
const TALLEST: usize = 12;
/// The bar's width in characters.
const BAR: usize = 24;

/// All steps with their progress.
#[derive(Debug)]
pub(in crate::render) struct Board {
    steps: Vec<StepProgress>,
    /// The usual and the measured time of the finished steps.
    usual: Duration,
    measured: Duration,
}

#[derive(Debug)]
struct StepProgress {
    address: String,
    verb: VerbForms,
    takes: Duration,
    after: Vec<usize>,
    id: Option<String>,
    at: StepState,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum StepState {
    Open,
    Running { since: Duration, state: Option<String> },
    Done,
    Failed,
    Skipped,
}

/// API calls so far.
#[derive(Debug, Clone, Copy)]
pub(in crate::render) struct Calls {
    pub(in crate::render) sent: usize,
    /// Calls that wait for the rate limiter.
    pub(in crate::render) held_back: usize,
}

/// A log line about an event.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::render) struct LogLine {
    /// The line, beginning with the time since the start.
    pub(in crate::render) line: String,
    /// False for lines that repeat what the live view shows.
    pub(in crate::render) lasting: bool,
}

impl Board {
    pub(in crate::render) fn new(plan: &Plan) -> Self {
        let steps = plan.steps.iter().map(|step| StepProgress {
            address: step.address.to_string(),
            verb: VerbForms::of(step),
            takes: Duration::from_secs(step.takes),
            after: step.after.clone(),
            id: match &step.action {
                Action::Update { observed, .. } => observed.as_ref().map(|observed| observed.id.clone()),
                Action::Delete { observed, .. } => Some(observed.id.clone()),
                Action::Create { .. } => None,
            },
            at: StepState::Open,
        });
        Self { steps: steps.collect(), usual: Duration::ZERO, measured: Duration::ZERO }
    }

    /// Records an event, and returns a line about it if it is worth one.
    pub(in crate::render) fn take(&mut self, event: &Event, now: Duration) -> Option<LogLine> {
        let entry = self.steps.get_mut(event.step)?;
        let ran = match entry.at {
            StepState::Running { since, .. } => now.saturating_sub(since),
            _ => Duration::ZERO,
        };
        let (line, lasting) = match &event.what {
            EventKind::Started => {
                entry.at = StepState::Running { since: now, state: None };
                (entry.started()?, false)
            }
            EventKind::Calling { .. } => return None,
            EventKind::Answered { id, .. } => {
                entry.id = id.clone().or(entry.id.take());
                return None;
            }
            EventKind::Waiting { state } => {
                let news = entry.enters(now, safe(state));
                let line = format!("waiting for {}: {}", entry.address, safe(state));
                (news.then(|| paint(QUIET, line))?, false)
            }
            EventKind::Retrying { why, pause } => {
                let news = entry.enters(now, safe(why));
                let StepProgress { verb, address, .. } = entry;
                let line = format!("trying again in {} to {} {address}: {}", took(*pause), verb.plain, safe(why));
                (news.then_some(line)?, false)
            }
            EventKind::Done => {
                entry.at = StepState::Done;
                self.usual += entry.takes;
                self.measured += ran;
                (entry.done(ran), true)
            }
            EventKind::Failed { error, .. } => {
                entry.at = StepState::Failed;
                let failed = paint(REMOVED, format_args!("failed to {}", entry.verb.plain));
                (format!("{failed} {} after {}: {}", entry.address, took(ran), safe(error)), true)
            }
            EventKind::Skipped { .. } => {
                entry.at = StepState::Skipped;
                return None;
            }
        };
        Some(LogLine { line: format!("{} {line}", paint(QUIET, format_args!("{:>5}", clock(now)))), lasting })
    }

    /// The lines of the live view: one for each running step, the oldest first, and one for the whole run.
    pub(in crate::render) fn frame(&self, now: Duration, calls: Calls, (height, width): (usize, usize)) -> Vec<String> {
        let mut running: Vec<_> = self.running().collect();
        running.sort_by_key(|(since, _, _)| *since);
        let room = height.saturating_sub(3).clamp(1, TALLEST);
        let shown = if running.len() > room { room - 1 } else { running.len() };
        let lines = running.iter().take(shown).map(|(since, state, entry)| entry.live(now - *since, state, width));
        let mut lines: Vec<_> = lines.collect();
        if running.len() > shown {
            lines.push(paint(QUIET, format_args!("  … and {} more", running.len() - shown)));
        }
        let ended = self.steps.len() - self.open();
        let full = BAR * ended / self.steps.len().max(1);
        let bar = format!("{}{}", paint(ADDED, "━".repeat(full)), paint(QUIET, "─".repeat(BAR - full)));
        let facts = cut(&self.facts(now, calls), width.saturating_sub(BAR + 4));
        lines.push(format!("  {bar} {facts}"));
        lines
    }

    /// The line written to a log from time to time when nothing else happens.
    pub(in crate::render) fn sign_of_life(&self, now: Duration, calls: Calls) -> String {
        let mut running: Vec<_> = self.running().collect();
        running.sort_by_key(|(since, _, _)| *since);
        let oldest = running.first().map(|(since, _, entry)| {
            let others = match running.len() {
                1 => String::new(),
                several => format!(" and {} more", several - 1),
            };
            format!("; {} {} for {}{others}", entry.verb.doing, entry.address, took(now - *since))
        });
        let (clock, facts) = (format!("{:>5}", clock(now)), self.facts(now, calls));
        paint(QUIET, format_args!("{clock} {facts}{}", oldest.unwrap_or_default()))
    }

    fn facts(&self, now: Duration, calls: Calls) -> String {
        let of = |stage| self.steps.iter().filter(|entry| entry.at == stage).count();
        let (done, failed, skipped) = (of(StepState::Done), of(StepState::Failed), of(StepState::Skipped));
        let mut facts = vec![format!("{done} of {} steps done", self.steps.len())];
        facts.extend((failed > 0).then(|| format!("{failed} failed")));
        facts.extend((skipped > 0).then(|| format!("{skipped} not begun")));
        facts.push(took(now));
        let left = self.left(now);
        facts.extend((left > Duration::ZERO).then(|| format!("about {} left", about(left))));
        facts.push(count(calls.sent, "API call"));
        facts.extend((calls.held_back > 0).then(|| format!("{} waiting for AWS's request limits", calls.held_back)));
        facts.join(" · ")
    }

    fn open(&self) -> usize {
        self.steps.iter().filter(|entry| matches!(entry.at, StepState::Open | StepState::Running { .. })).count()
    }

    fn running(&self) -> impl Iterator<Item = (Duration, &Option<String>, &StepProgress)> {
        self.steps.iter().filter_map(|entry| match &entry.at {
            StepState::Running { since, state } => Some((*since, state, entry)),
            _ => None,
        })
    }

    /// The remaining time of the longest chain of unfinished steps, at the measured pace.
    fn left(&self, now: Duration) -> Duration {
        let pace = (self.measured + TRUST).as_secs_f64() / (self.usual + TRUST).as_secs_f64();
        let mut behind: BTreeMap<usize, Duration> = BTreeMap::new();
        let mut longest = Duration::ZERO;
        for (index, entry) in self.steps.iter().enumerate().rev() {
            let own = entry.takes.mul_f64(pace);
            let own = match entry.at {
                StepState::Open => own,
                StepState::Running { since, .. } => own.saturating_sub(now - since),
                StepState::Done | StepState::Failed | StepState::Skipped => continue,
            };
            let chain = own + behind.get(&index).copied().unwrap_or_default();
            for &before in &entry.after {
                let known = behind.entry(before).or_default();
                *known = chain.max(*known);
            }
            longest = longest.max(chain);
        }
        longest
    }
}

impl StepProgress {
    /// Changes the state of a step; true if it is a new one.
    fn enters(&mut self, now: Duration, word: String) -> bool {
        let (since, known) = match &self.at {
            StepState::Running { since, state } => (*since, state.as_ref() == Some(&word)),
            _ => (now, false),
        };
        self.at = StepState::Running { since, state: Some(word) };
        !known
    }

    fn started(&self) -> Option<String> {
        let line = || format!("{} {} (about {})", self.verb.doing, self.address, about(self.takes));
        (self.takes >= WORTH_ANNOUNCING).then(line)
    }

    fn done(&self, ran: Duration) -> String {
        let id = self.id.as_ref().map(|known| format!(" ({})", id(known))).unwrap_or_default();
        let in_time = paint(QUIET, format_args!("{id} in {}", took(ran)));
        format!("{} {}{in_time}", paint(ADDED, self.verb.done), self.address)
    }

    fn live(&self, ran: Duration, state: &Option<String>, width: usize) -> String {
        let usually = (self.takes >= WORTH_ANNOUNCING).then(|| format!(" of ~{}", about(self.takes)));
        let state = state.as_ref().map(|state| format!(", {state}")).unwrap_or_default();
        let rest = format!("{} {}{}{state}", self.address, took(ran), usually.unwrap_or_default());
        let style = if self.verb.doing.starts_with("deleting") { REMOVED } else { MOVED };
        let style = if ran > self.takes * 2 + WORTH_ANNOUNCING { CHANGED } else { style };
        let doing = self.verb.doing;
        format!("  {} {}", paint(style, doing), cut(&rest, width.saturating_sub(doing.chars().count() + 4)))
    }
}
