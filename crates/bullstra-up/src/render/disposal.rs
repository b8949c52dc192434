//! Texts about disposable stacks.

use std::time::Duration;

use anstyle::Style;
use jiff::Timestamp;
use up_engine::{Decision, Extended, StackSummary, Survey, about};

use super::{
    style::{ADDED, QUIET, REMOVED, STRONG, paint},
    text::{count, safe},
};

/// What a sweep does with a stack.
#[derive(Debug)]
pub(crate) struct Verdict {
    pub(crate) stack: StackSummary,
    pub(crate) decision: Decision,
    /// How long its destroy is likely to take.
    pub(crate) takes: Option<Duration>,
}

/// When a stack expires, after an apply.
pub(crate) fn expires(at: Timestamp) -> String {
    format!("The stack is disposable, and expires at {at:.0}.")
}

/// After an extension.
pub(crate) fn extended(extended: &Extended) -> String {
    let Extended { stack, before, expires, stamped, .. } = extended;
    let resources = count(*stamped, "resource");
    format!("{} expires at {expires:.0}, and no longer at {before:.0}: {resources} stamped.", safe(stack))
}

/// All stacks, or only those that have expired.
pub(crate) fn stacks(survey: &Survey, only_expired: bool) -> String {
    let Survey { account, region, stacks, at, .. } = survey;
    let which = if only_expired { "expired stack" } else { "stack" };
    if stacks.is_empty() {
        return format!("No {which} in account {account}, {region}.");
    }
    let head = ["name", "owner", "age", "resources", "expires", "locked"].map(str::to_owned);
    let rows = stacks.iter().map(|stack| {
        let locked = stack.locked.as_ref().map_or_else(String::new, |holder| safe(holder));
        let owner = stack.owner.as_ref().map_or_else(|| "-".to_owned(), |owner| safe(owner));
        let age = stack.created.map_or_else(|| "-".to_owned(), |created| ago(*at, created));
        [safe(&stack.name), owner, age, stack.resources.to_string(), expiry(stack, *at), locked]
    });
    let rows: Vec<_> = [head].into_iter().chain(rows).collect();
    let title = format!("{} in account {account}, {region}", count(stacks.len(), which));
    let mut lines = vec![paint(STRONG, title)];
    lines.extend(table(&rows));
    lines.join("\n")
}

/// What a sweep would do.
pub(crate) fn verdicts(survey: &Survey, verdicts: &[Verdict]) -> String {
    let Survey { account, region, stacks, at, .. } = survey;
    let many = verdicts.iter().filter(|verdict| verdict.decision.destroys()).count();
    let title = format!("{many} of {} in account {account}, {region}, to be destroyed", count(stacks.len(), "stack"));
    let mut lines = vec![paint(STRONG, title)];
    let rows = verdicts.iter().map(|Verdict { stack, decision, takes }| {
        let [word, what] = match decision {
            Decision::Destroy { .. } => {
                ["expired".to_owned(), format!("would be destroyed in about {}", about(takes.unwrap_or_default()))]
            }
            Decision::Keep { reason } => ["keep".to_owned(), safe(&reason.to_string())],
            Decision::Gone => ["gone".to_owned(), "nothing of it exists: AWS's index is late".to_owned()],
        };
        let when = stack.expires.map_or_else(|| "no expiry".to_owned(), |expires| due(*at, expires));
        let owner = stack.owner.as_ref().map_or_else(|| "-".to_owned(), |owner| safe(owner));
        [word, safe(&stack.name), when, count(stack.resources, "resource"), owner, what]
    });
    let rows: Vec<_> = rows.collect();
    let styles = verdicts.iter().map(|verdict| match verdict.decision {
        Decision::Destroy { .. } => REMOVED,
        Decision::Keep { .. } => ADDED,
        Decision::Gone => QUIET,
    });
    lines.extend(table(&rows).into_iter().zip(styles).map(|(line, style)| painted(&line, style)));
    lines.join("\n")
}

/// Before a stack is destroyed.
pub(crate) fn sweeping(stack: &str) -> String {
    paint(STRONG, format_args!("\n{}", safe(stack)))
}

/// A stack that was to be destroyed, and is left.
pub(crate) fn left(stack: &str, decision: &Decision) -> String {
    match decision {
        Decision::Keep { reason } => format!("{} is kept: {}.", safe(stack), safe(&reason.to_string())),
        _ => format!("{} does not exist any more.", safe(stack)),
    }
}

/// The line with its first word in a style.
fn painted(line: &str, style: Style) -> String {
    let word = line.trim_start();
    let indent = &line[..line.len() - word.len()];
    let (first, rest) = word.split_once(' ').unwrap_or((word, ""));
    format!("{indent}{} {rest}", paint(style, first)).trim_end().to_owned()
}

/// When a stack expires, and what keeps it from being swept.
fn expiry(stack: &StackSummary, now: Timestamp) -> String {
    match (&stack.decision, stack.expires) {
        (Decision::Keep { reason: up_engine::KeepReason::NotDisposable }, _) => "never".to_owned(),
        (Decision::Keep { reason: reason @ up_engine::KeepReason::Unmarked { .. } }, _) => {
            format!("kept: {}", safe(&reason.to_string()))
        }
        (_, Some(expires)) => due(now, expires),
        (_, None) => "never".to_owned(),
    }
}

/// `in 3 h`, or `3 h ago`.
fn due(now: Timestamp, expires: Timestamp) -> String {
    if expires <= now { format!("due {} ago", ago(now, expires)) } else { format!("in {}", ago(expires, now)) }
}

/// The time from `then` to `now`.
fn ago(now: Timestamp, then: Timestamp) -> String {
    let time = Duration::try_from(now.duration_since(then)).unwrap_or_default();
    match time.as_secs() / 3600 {
        hours @ 48.. => format!("{} d", hours / 24),
        hours @ 2.. => format!("{hours} h"),
        _ => about(time),
    }
}

/// Rows with columns of equal width, indented.
fn table<const N: usize>(rows: &[[String; N]]) -> Vec<String> {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<_> = (0..N).map(width).collect();
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("  {cell:width$}", width = *width));
        cells.collect::<String>().trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use anstream::adapter::strip_str;
    use snapbox::{assert_data_eq, str};
    use up_engine::KeepReason;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn stack(name: &str, owner: Option<&str>, expires: Option<&str>, decision: Decision) -> StackSummary {
        StackSummary {
            name: name.into(),
            owner: owner.map(str::to_owned),
            created: Some(at("2026-11-28T12:00:00Z")),
            expires: expires.map(at),
            resources: 118,
            locked: None,
            decision,
        }
    }

    fn survey() -> Survey {
        let expired = Decision::Destroy { expired: at("2026-11-29T00:00:00Z") };
        let keep = |reason| Decision::Keep { reason };
        let tag = "bullstra:expires";
        let unmarked = KeepReason::Unmarked { tag, lack: 1, of: 96, first: "ec2.vpc.main".into() };
        let young = StackSummary {
            created: None,
            locked: Some("apply of ada@build".into()),
            ..stack(
                "qa-pr-414",
                None,
                Some("2026-11-29T15:30:00Z"),
                keep(KeepReason::NotDue { expires: at("2026-11-29T15:30:00Z") }),
            )
        };
        Survey {
            account: "111122223333".into(),
            region: "us-east-1".into(),
            at: at("2026-11-29T03:30:00Z"),
            stacks: vec![
                stack("prod", Some("platform"), None, keep(KeepReason::NotDisposable)),
                stack("qa-load", None, Some("2026-11-29T02:30:00Z"), keep(unmarked)),
                stack("qa-pr-412", Some("alice"), Some("2026-11-29T00:00:00Z"), expired),
                young,
            ],
            unread: [].into(),
        }
    }

    #[test]
    fn stacks_are_listed_with_what_keeps_them() {
        assert_data_eq!(
            strip_str(&stacks(&survey(), false)).to_string(),
            str![[r#"
4 stacks in account 111122223333, us-east-1
  name       owner     age   resources  expires                                               locked
  prod       platform  15 h  118        never
  qa-load    -         15 h  118        kept: no `bullstra:expires` on 1 of 96: ec2.vpc.main
  qa-pr-412  alice     15 h  118        due 3 h ago
  qa-pr-414  -         -     118        in 12 h                                               apply of ada@build
"#]]
        );
        let none = Survey { stacks: vec![], ..survey() };
        assert_eq!(stacks(&none, true), "No expired stack in account 111122223333, us-east-1.");
    }

    #[test]
    fn a_sweep_tells_what_it_would_do_and_why_not() {
        let survey = survey();
        let of = |place: usize, takes| {
            let stack = survey.stacks[place].clone();
            Verdict { decision: stack.decision.clone(), stack, takes }
        };
        let gone = Verdict { decision: Decision::Gone, ..of(2, None) };
        let all = [of(1, None), of(2, Some(Duration::from_secs(1320))), gone];
        assert_data_eq!(
            strip_str(&verdicts(&survey, &all)).to_string(),
            str![[r#"
1 of 4 stacks in account 111122223333, us-east-1, to be destroyed
  keep     qa-load    due 60 min ago  118 resources  -      no `bullstra:expires` on 1 of 96: ec2.vpc.main
  expired  qa-pr-412  due 3 h ago     118 resources  alice  would be destroyed in about 22 min
  gone     qa-pr-412  due 3 h ago     118 resources  alice  nothing of it exists: AWS's index is late
"#]]
        );
    }
}
