//! The pages. Whatever they show is escaped by the templates, and nothing in it is markup.

use askama::Template;

use super::ages::{age, minute};
use crate::{
    board::{Board, Phase, StackStatus, Verdict},
    look::{Found, Look, Mark},
    timeline::Moment,
    told::{Transition, happened},
};

/// A difference is shown with at most so many lines.
const MOST_LINES: usize = 100;
/// A page shows at most so many findings.
const MOST_FINDINGS: usize = 200;

/// All stacks: a table, and what is wrong with those that are not clean.
#[derive(Template)]
#[template(path = "overview.html")]
struct OverviewPage {
    title: String,
    /// Shows itself again after a minute.
    refreshes: bool,
    headline: String,
    others: String,
    worst: &'static str,
    at: String,
    stacks: Vec<StackView>,
}

/// One stack with everything that is known about it.
#[derive(Template)]
#[template(path = "stack.html")]
struct StackPage {
    title: String,
    refreshes: bool,
    at: String,
    stack: StackView,
}

struct StackView {
    name: String,
    file: String,
    schedule: String,
    place: String,
    /// A class of the style sheet.
    state: &'static str,
    label: String,
    is_quiet: bool,
    is_overdue: bool,
    /// False before the first look that has found out anything.
    is_known: bool,
    changed: usize,
    missing: usize,
    added: usize,
    unread_count: usize,
    pending: usize,
    governed: usize,
    accepted: usize,
    read: usize,
    age: String,
    complete: String,
    next: String,
    took: String,
    applied: String,
    /// Why the last look has failed.
    failure: Vec<String>,
    hint: String,
    failing_since: String,
    drift: Vec<FindingView>,
    others: Vec<FindingView>,
    /// Drift that is known, and that the last look could not see.
    unseen: Vec<String>,
    left_out: usize,
    unread: Vec<UnreadView>,
    notes: Vec<String>,
    recent: Vec<RecentView>,
}

struct FindingView {
    what: &'static str,
    class: &'static str,
    severity: &'static str,
    address: String,
    id: String,
    since: String,
    remarks: Vec<String>,
    lines: Vec<LineView>,
    lines_left_out: usize,
}

struct LineView {
    class: &'static str,
    sign: &'static str,
    text: String,
}

struct UnreadView {
    kind: String,
    code: String,
    message: String,
    resources: usize,
}

struct RecentView {
    at: String,
    word: &'static str,
    text: String,
}

pub(super) fn overview(board: &Board, refreshes: bool) -> Result<String, askama::Error> {
    let (now, mut stacks) = board.snapshot();
    stacks.sort_by_key(|stack| (std::cmp::Reverse(stack.verdict()), stack.name.clone()));
    let (headline, others, worst) = headline(board, &stacks, now);
    let stacks = stacks.iter().map(|stack| StackView::new(board, stack, now)).collect();
    let title = format!("{headline} – bullstra-up watch");
    OverviewPage { title, refreshes, headline, others, worst, at: minute(now.at), stacks }.render()
}

pub(super) fn stack(board: &Board, name: &str) -> Option<Result<String, askama::Error>> {
    let stack = board.stack(name)?;
    let now = board.snapshot().0;
    let stack = StackView::new(board, &stack, now);
    let title = format!("{}: {} – bullstra-up watch", stack.name, stack.label);
    Some(StackPage { title, refreshes: false, at: minute(now.at), stack }.render())
}

/// How things are: the worst in one line, everything else in another, and the worst state.
fn headline(board: &Board, stacks: &[StackStatus], now: Moment) -> (String, String, &'static str) {
    let count = |verdict: Verdict| stacks.iter().filter(|stack| stack.verdict() == verdict).count();
    let of = match stacks.len() {
        1 => "1 stack".to_owned(),
        all => format!("{all} stacks"),
    };
    let worst = stacks.iter().map(StackStatus::verdict).max().unwrap_or(Verdict::Clean);
    let title = match worst {
        Verdict::Clean => format!("All clean: {of}"),
        worst => format!("{} of {of} {}", count(worst), said(worst, count(worst))),
    };
    let others = [
        Verdict::Drift,
        Verdict::Failing,
        Verdict::Unread,
        Verdict::Absent,
        Verdict::Busy,
        Verdict::Unchecked,
        Verdict::Clean,
    ];
    let others = others.into_iter().filter(|verdict| *verdict != worst && count(*verdict) > 0);
    let mut others: Vec<_> = others.map(|it| format!("{} {}", count(it), said(it, count(it)))).collect();
    let overdue = stacks.iter().filter(|stack| board.is_overdue(stack, now)).count();
    if overdue > 0 {
        others.push(format!("{overdue} overdue"));
    }
    (title, others.join(" · "), worst.word())
}

/// What so many stacks are.
fn said(verdict: Verdict, count: usize) -> &'static str {
    match (verdict, count) {
        (Verdict::Drift, 1) => "has drifted",
        (Verdict::Drift, _) => "have drifted",
        (Verdict::Failing, _) => "cannot be checked",
        (Verdict::Unread, _) => "not read completely",
        (Verdict::Absent, 1) => "does not exist",
        (Verdict::Absent, _) => "do not exist",
        (Verdict::Busy, _) => "busy",
        (Verdict::Unchecked, _) => "not checked yet",
        (Verdict::Clean, _) => "clean",
    }
}

impl StackView {
    fn new(board: &Board, stack: &StackStatus, now: Moment) -> Self {
        let look = stack.look.as_deref();
        let count = |class: &str| look.and_then(|look| look.counts.get(class)).copied().unwrap_or(0);
        let known = |class: &str| stack.told.drift.values().filter(|drift| drift.class.word() == class).count();
        let findings = look.map(|look| look.findings.as_slice()).unwrap_or_default();
        let left_out = findings.len().saturating_sub(MOST_FINDINGS);
        let shown = &findings[..findings.len() - left_out];
        let view = |found: &Found| FindingView::new(found, stack, now);
        let is_seen = |key: &str| findings.iter().any(|found| found.is_drift && found.key() == key);
        let unseen = stack.told.drift.iter().filter(|(key, _)| !is_seen(key));
        let verdict = stack.verdict();
        let failure = stack.failure.as_ref();
        Self {
            name: stack.name.clone(),
            file: stack.file.clone(),
            schedule: stack.schedule.to_string(),
            place: look.map(|look| format!("{} · {}", look.account, look.region)).unwrap_or_default(),
            state: verdict.word(),
            label: label(stack, verdict).to_owned(),
            is_quiet: matches!(verdict, Verdict::Clean | Verdict::Unchecked | Verdict::Busy),
            is_overdue: board.is_overdue(stack, now),
            is_known: look.is_some() || !stack.told.drift.is_empty(),
            changed: known("changed"),
            missing: known("missing"),
            added: known("added"),
            unread_count: count("unread"),
            pending: count("pending"),
            governed: count("governed"),
            accepted: count("accepted"),
            read: look.map_or(0, |look| look.read),
            age: stack.complete.map(|_| age(board.age(stack, now))).unwrap_or_default(),
            complete: stack.complete.map(|complete| minute(complete.at)).unwrap_or_default(),
            next: match stack.phase {
                Phase::Waiting if now.until(stack.due).is_zero() => "now".to_owned(),
                Phase::Waiting => format!("in {}", age(now.until(stack.due))),
                Phase::Queued => "waiting for its turn".to_owned(),
                Phase::Looking => "looking now".to_owned(),
            },
            took: stack.took.map(|took| format!("{:.1} s", took.as_secs_f64())).unwrap_or_default(),
            applied: look.and_then(|look| look.applied).map(minute).unwrap_or_default(),
            failure: failure.map(|it| it.message.lines().map(str::to_owned).collect()).unwrap_or_default(),
            hint: failure.and_then(|failure| failure.hint.clone()).unwrap_or_default(),
            failing_since: stack.told.trouble.as_ref().map(|trouble| minute(trouble.since)).unwrap_or_default(),
            drift: shown.iter().filter(|found| found.is_drift).map(view).collect(),
            others: shown.iter().filter(|found| !found.is_drift).map(view).collect(),
            unseen: unseen
                .map(|(key, it)| format!("{key}: {}, since {}", happened(it.class), minute(it.since)))
                .collect(),
            left_out,
            unread: look.map(unread).unwrap_or_default(),
            notes: look.map(|look| look.notes.clone()).unwrap_or_default(),
            recent: stack.recent.iter().map(|(at, what)| RecentView::new(minute(*at), what)).collect(),
        }
    }
}

fn label(stack: &StackStatus, verdict: Verdict) -> &'static str {
    let is_failing = stack.is_failing();
    match verdict {
        Verdict::Clean => "clean",
        Verdict::Unchecked => "not checked yet",
        Verdict::Busy => "busy: a run is going on",
        Verdict::Absent => "does not exist",
        Verdict::Unread => "not read completely",
        Verdict::Failing => "cannot be checked",
        Verdict::Drift if is_failing => "drifted, and not read completely",
        Verdict::Drift => "drifted",
    }
}

fn unread(look: &Look) -> Vec<UnreadView> {
    let view = |it: &crate::look::NotRead| UnreadView {
        kind: it.kind.clone(),
        code: it.code.clone(),
        message: it.message.clone(),
        resources: it.resources,
    };
    look.unread.iter().map(view).collect()
}

impl FindingView {
    fn new(found: &Found, stack: &StackStatus, now: Moment) -> Self {
        let known = stack.told.drift.get(&found.key()).filter(|_| found.is_drift);
        let since = known.map(|known| {
            let ago = now.at.duration_since(known.since).try_into().unwrap_or_default();
            format!("since {} ({} ago)", minute(known.since), age(ago))
        });
        let line = |line: &crate::look::Line| LineView {
            class: line.mark.word(),
            sign: if line.mark == Mark::Changed { " " } else { line.mark.sign() },
            text: format!("{}{}", "  ".repeat(line.depth.min(20)), line.text),
        };
        let is_accepted = found.class.is_drift() && !found.is_drift;
        Self {
            what: if is_accepted { "accepted" } else { happened(found.class) },
            class: if is_accepted { "accepted" } else { found.class.word() },
            severity: if found.is_drift { severity(found) } else { "" },
            address: found.address.clone(),
            id: found.id.clone().unwrap_or_default(),
            since: since.unwrap_or_default(),
            remarks: found.remarks.clone(),
            lines: found.lines.iter().take(MOST_LINES).map(line).collect(),
            lines_left_out: found.lines.len().saturating_sub(MOST_LINES),
        }
    }
}

fn severity(found: &Found) -> &'static str {
    match found.severity.word() {
        "open" => "open to the internet",
        "unprotected" => "protection off",
        "permissions" => "permissions",
        "data" => "holds data",
        _ => "",
    }
}

impl RecentView {
    fn new(at: String, what: &Transition) -> Self {
        Self { at, word: what.word(), text: what.sentence() }
    }
}
