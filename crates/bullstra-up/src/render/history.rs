//! The runs of a stack.

use std::time::Duration;

use anstyle::Style;
use up_state::{PastRun, RunHistory, RunResult};

use super::{
    style::{ADDED, CHANGED, QUIET, REMOVED, STRONG, paint},
    text::{count, safe, took},
};

/// How many errors, and how many unanswered calls of a run are shown.
const SHOWN: usize = 5;

/// What the calls of a verb have done.
const DONE: [(&str, &str); 4] =
    [("create", "created"), ("update", "updated"), ("tag", "retagged"), ("delete", "deleted")];

/// All runs, the newest first, each with its errors.
pub(crate) fn history(stack: &str, state: &str, history: &RunHistory) -> String {
    let RunHistory { runs, has_more, damaged } = history;
    if runs.is_empty() {
        let part = if *damaged > 0 { " that can be read" } else { "" };
        return format!("No run of {} in {}{part}.", safe(stack), safe(state));
    }
    let rows: Vec<_> = runs.iter().map(columns).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths = [width(0), width(1), width(2), width(3)];
    let mut lines = vec![paint(STRONG, format_args!("Runs of {} in {}, the newest first", safe(stack), safe(state)))];
    for (run, [at, command, owner, result, what]) in runs.iter().zip(&rows) {
        let room = widths[3] - result.chars().count();
        let result = paint(style(run.result), result);
        let line = format!("  {at:0$}  {command:1$}  {owner:2$}  {result}", widths[0], widths[1], widths[2]);
        lines.push(format!("{line}{:room$}  {what}", "").trim_end().to_owned());
        lines.extend(details(run));
    }
    if *has_more {
        lines.push(paint(QUIET, "  Older runs: --limit N"));
    }
    lines.join("\n")
}

/// When, which command, who, with which result, and what was changed.
fn columns(run: &PastRun) -> [String; 5] {
    let [command, owner] = match &run.begin {
        Some(begin) => [safe(&begin.command), safe(&begin.owner)],
        None => ["?", "?"].map(str::to_owned),
    };
    let result = match run.result {
        RunResult::Done => "done",
        RunResult::Failed => "failed",
        RunResult::Interrupted => "interrupted",
        RunResult::Running => "running",
    };
    let elapsed = Duration::try_from(run.heard.duration_since(run.began)).unwrap_or_default();
    let changed = DONE.iter().filter_map(|(verb, done)| Some(format!("{} {done}", run.changed.get(*verb)?.len())));
    let mut what: Vec<_> = changed.collect();
    let steps = run.steps.map(|steps| [(steps.failed, "failed"), (steps.skipped, "not begun")]);
    what.extend(
        steps.iter().flatten().filter(|(number, _)| *number > 0).map(|(number, word)| format!("{number} {word}")),
    );
    let what = if what.is_empty() { "nothing was changed".to_owned() } else { what.join(", ") };
    [format!("{:.0}", run.began), command, owner, format!("{result} after {}", took(elapsed)), what]
}

fn style(result: RunResult) -> Style {
    match result {
        RunResult::Done => ADDED,
        RunResult::Failed | RunResult::Interrupted => REMOVED,
        RunResult::Running => CHANGED,
    }
}

/// Errors, and the calls that an interrupted run has sent without reading the answer.
fn details(run: &PastRun) -> Vec<String> {
    let errors = run.errors.iter().map(|(address, error)| format!("{address}: {}", safe(error)));
    let open = run.unanswered.iter().map(|(address, verb)| format!("no answer to {} {address}", safe(verb)));
    let all: Vec<_> = errors.chain(open).collect();
    let more = all.len().saturating_sub(SHOWN);
    let more = (more > 0).then(|| format!("and {}", count(more, "other")));
    all.into_iter().take(SHOWN).chain(more).map(|line| format!("      {line}")).collect()
}

#[cfg(test)]
mod tests {
    use anstream::adapter::strip_str;
    use snapbox::{assert_data_eq, str};
    use up_state::{RunBegin, RunSteps};

    use super::*;

    fn run(result: RunResult, steps: Option<RunSteps>) -> PastRun {
        let (owner, command) = ("ada@build".to_owned(), "apply".to_owned());
        let (account, region) = ("123456789012".to_owned(), "us-east-1".to_owned());
        let address = "ec2.vpc.main".parse::<up_core::Address>().unwrap();
        PastRun {
            run: "1".into(),
            begin: Some(RunBegin { owner, command, account, region, steps: 2 }),
            began: "2026-11-28T10:00:00Z".parse().unwrap(),
            heard: "2026-11-28T10:01:30Z".parse().unwrap(),
            result,
            steps,
            changed: [("create".to_owned(), [address].into())].into(),
            errors: vec![],
            unanswered: vec![],
        }
    }

    #[test]
    fn runs_line_up_and_say_what_went_wrong() {
        let address = || "ec2.subnet.a".parse::<up_core::Address>().unwrap();
        let failed = PastRun {
            errors: vec![(address(), "no \u{1b}[31mroom".into())],
            ..run(RunResult::Failed, Some(RunSteps { done: 1, failed: 1, skipped: 3 }))
        };
        let killed = PastRun { unanswered: vec![(address(), "create".into())], ..run(RunResult::Interrupted, None) };
        let torn = PastRun { begin: None, changed: [].into(), ..run(RunResult::Running, None) };
        let done = run(RunResult::Done, Some(RunSteps { done: 1, failed: 0, skipped: 0 }));
        let all = RunHistory { runs: vec![torn, killed, failed, done], has_more: true, damaged: 1 };
        assert_data_eq!(
            strip_str(&history("prod", "state", &all)).to_string(),
            str![[r#"
Runs of prod in state, the newest first
  2026-11-28T10:00:00Z  ?      ?          running after 1m30s      nothing was changed
  2026-11-28T10:00:00Z  apply  ada@build  interrupted after 1m30s  1 created
      no answer to create ec2.subnet.a
  2026-11-28T10:00:00Z  apply  ada@build  failed after 1m30s       1 created, 1 failed, 3 not begun
      ec2.subnet.a: no /u{1b}[31mroom
  2026-11-28T10:00:00Z  apply  ada@build  done after 1m30s         1 created
  Older runs: --limit N
"#]]
        );
        assert_eq!(history("prod", "state", &RunHistory::default()), "No run of prod in state.");
    }
}
