//! Drift, as text for people and as Markdown.

use std::path::Path;

use anstream::adapter::strip_str;
use serde_json::{Value, json};
use up_core::schema::{Schema, Shape};
use up_engine::{Absorbed, DriftReport, Failure, Unread};
use up_plan::{
    Kinds,
    drift::{DriftClass, FieldDrift, Finding},
};

use super::{
    change::{self, DiffLine, Mark},
    failure, failure_text,
    style::{ADDED, CHANGED, MOVED, QUIET, REMOVED, STRONG, paint},
    text::{count, id, lines, safe},
    value::{inline, name},
};

/// The whole report: all findings, the worst first, what was not read, and one line with the counts.
pub(crate) fn drift(report: &DriftReport, kinds: Kinds<'_>) -> String {
    let mut text = vec![];
    for finding in &report.findings {
        text.extend(heading(finding));
        for field in &finding.fields {
            text.extend(field_lines(finding, field, kinds).into_iter().map(|(mark, line)| coloured(mark, &line)));
        }
    }
    text.extend(report.unread.iter().flat_map(unread));
    if !text.is_empty() {
        text.push(String::new());
    }
    text.push(summary(report));
    text.join("\n")
}

/// The same as Markdown, for an issue or a pull request.
pub(crate) fn drift_markdown(report: &DriftReport, kinds: Kinds<'_>) -> String {
    let DriftReport { stack, account, region, .. } = report;
    let mut text = vec![format!("## Drift of `{stack}`"), String::new()];
    text.push(format!("Account {account}, {region}, {:.0}.", report.at));
    text.extend([String::new(), plain(&summary(report)), String::new()]);
    text.extend(report.notes.iter().flat_map(|note| [format!("> {}", safe(note)), String::new()]));
    for finding in &report.findings {
        text.push(format!("### {}: `{}`{}", class(finding).1, finding.address, of_id(finding)));
        text.push(String::new());
        text.extend(remarks(finding).into_iter().flat_map(|remark| [format!("{}.", sentence(&remark)), String::new()]));
        if !finding.fields.is_empty() {
            let block: Vec<_> = finding.fields.iter().flat_map(|field| field_lines(finding, field, kinds)).collect();
            text.extend(fenced(&block));
        }
    }
    if !report.unread.is_empty() {
        text.extend(["### Not read".to_owned(), String::new()]);
        let line = |Unread { kind, code, message, resources }: &Unread| {
            format!("- `{kind}` ({}): {}: {}", count(resources.len(), "resource"), safe(code), safe(message))
        };
        text.extend(report.unread.iter().map(line));
        text.push(String::new());
    }
    text.join("\n")
}

/// What was written into a stack's file.
pub(crate) fn absorbed(absorbed: &Absorbed) -> String {
    let Absorbed { address, file, fields } = absorbed;
    let file = safe(&file.display().to_string());
    format!(
        "Wrote the live values of {} of {address} into {file}: {}.",
        count(fields.len(), "field"),
        fields.join(", ")
    )
}

/// The lines of a finding, for a page.
#[cfg(feature = "watch")]
pub(crate) fn drift_lines(finding: &Finding, kinds: Kinds<'_>) -> Vec<DiffLine> {
    finding.fields.iter().flat_map(|field| diff_lines(finding, field, kinds)).collect()
}

/// A stack that could not be checked.
pub(crate) fn drift_failed(path: &Path, failed: &Failure, is_one_of_several: bool) -> String {
    match is_one_of_several {
        true => format!("{}\n{}", paint(STRONG, safe(&path.display().to_string())), failure(failed)),
        false => failure(failed),
    }
}

/// The same as Markdown.
pub(crate) fn drift_failed_markdown(path: &Path, failed: &Failure) -> String {
    let text = lines(&plain(&failure_text(failed))).join("\n");
    format!("## `{}` could not be checked\n\n````\n{text}\n````\n", safe(&path.display().to_string()))
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn plain(text: &str) -> String {
    strip_str(text).to_string()
}

/// The mark of a finding, and its class in words.
fn class(finding: &Finding) -> (&'static str, &'static str) {
    match finding.class {
        DriftClass::Changed if !finding.is_drift() => ("·", "accepted"),
        DriftClass::Changed => ("!", "changed outside"),
        DriftClass::Missing => ("!", "missing"),
        DriftClass::Added => ("!", "added outside"),
        DriftClass::Pending => ("~", "not applied yet"),
        DriftClass::Governed => ("·", "moved as allowed"),
        DriftClass::Undeclared => ("·", "changed, not declared"),
    }
}

fn of_id(finding: &Finding) -> String {
    finding.id.as_ref().map(|of| format!(" ({})", id(of))).unwrap_or_default()
}

fn heading(finding: &Finding) -> Vec<String> {
    let (mark, word) = class(finding);
    let style = match finding.class {
        _ if finding.is_drift() => REMOVED.bold(),
        DriftClass::Pending => CHANGED,
        _ => MOVED,
    };
    let title = paint(style, format_args!("{mark} {word:<16}"));
    let first = format!("{title} {}{}", paint(STRONG, &finding.address), paint(QUIET, of_id(finding)));
    let remarks = remarks(finding).into_iter().map(|remark| format!("    {}", paint(QUIET, remark)));
    [first].into_iter().chain(remarks).collect()
}

/// What the fields do not say, and why a difference was accepted.
pub(crate) fn remarks(finding: &Finding) -> Vec<String> {
    let accepted = finding.accepted.as_ref().map(|accepted| match accepted.expired {
        false => format!("accepted until {}: {}", accepted.until, safe(&accepted.reason)),
        true => format!("was accepted until {}, which is over: {}", accepted.until, safe(&accepted.reason)),
    });
    finding.note.iter().map(|note| safe(note)).chain(accepted).collect()
}

/// The lines of a field, with their indentation.
fn field_lines(finding: &Finding, drift: &FieldDrift, kinds: Kinds<'_>) -> Vec<(Mark, String)> {
    diff_lines(finding, drift, kinds).into_iter().map(line).collect()
}

/// From what was applied to what is live, or from what was applied to what the file says.
fn diff_lines(finding: &Finding, drift: &FieldDrift, kinds: Kinds<'_>) -> Vec<DiffLine> {
    let FieldDrift { field, applied, live, declared } = drift;
    let schema = kinds(&finding.address.kind).map(|kind| Schema::read(kind.schema().as_value()));
    let shape = schema.as_ref().map_or_else(Shape::default, |schema| schema.whole().keys()(field));
    let now = match (finding.class, declared) {
        (DriftClass::Pending, Some(declared)) => declared,
        _ => live,
    };
    let mut lines = match field.strip_prefix("tags.") {
        Some(key) => change::field("tags", &tag(key, applied), &tag(key, now), Shape::default()),
        None => change::field(field, applied, &strict(applied, now), shape),
    };
    if let (DriftClass::Changed, Some(declared)) = (finding.class, declared) {
        let text = format!("the file says now, and it is not applied yet: {}: {}", name(field), inline(declared));
        lines.push(DiffLine { depth: 0, mark: Mark::Context, text });
    }
    lines
}

fn tag(key: &str, value: &Value) -> Value {
    if value.is_null() { json!({}) } else { json!({ key: value }) }
}

/// `now`, with `null` for what is only in `before`: an absent key would mean that AWS chooses.
fn strict(before: &Value, now: &Value) -> Value {
    match (before, now) {
        (Value::Object(before), Value::Object(now)) => {
            let gone = before.keys().filter(|key| !now.contains_key(*key)).map(|key| (key.clone(), Value::Null));
            let both =
                now.iter().map(|(key, now)| (key.clone(), before.get(key).map_or(now.clone(), |it| strict(it, now))));
            both.chain(gone).collect::<serde_json::Map<_, _>>().into()
        }
        _ => now.clone(),
    }
}

fn line(DiffLine { depth, mark, text }: DiffLine) -> (Mark, String) {
    let sign = match mark {
        Mark::Added => "+ ",
        Mark::Removed => "- ",
        Mark::Changed | Mark::Context => "",
    };
    (mark, format!("{}{sign}{text}", "  ".repeat(depth + 2)))
}

fn coloured(mark: Mark, line: &str) -> String {
    match mark {
        Mark::Added => paint(ADDED, line),
        Mark::Removed => paint(REMOVED, line),
        Mark::Changed | Mark::Context => line.to_owned(),
    }
}

/// A block that shows added and removed lines, with a fence that no text inside can close.
fn fenced(block: &[(Mark, String)]) -> Vec<String> {
    let signed = |(mark, line): &(Mark, String)| {
        let sign = match mark {
            Mark::Added => "+",
            Mark::Removed => "-",
            Mark::Changed => "!",
            Mark::Context => " ",
        };
        let text = line.trim_start();
        let indent = line.len() - text.len();
        let text = if matches!(mark, Mark::Added | Mark::Removed) { &text[2..] } else { text };
        format!("{sign} {}{text}", " ".repeat(indent.saturating_sub(4)))
    };
    let longest = block.iter().flat_map(|(_, line)| line.split(|c| c != '`')).map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    let body = block.iter().map(signed);
    [format!("{fence}diff")].into_iter().chain(body).chain([fence.clone(), String::new()]).collect()
}

fn unread(Unread { kind, code, message, resources }: &Unread) -> Vec<String> {
    let of = if resources.is_empty() { String::new() } else { format!(" ({})", count(resources.len(), "resource")) };
    let title = paint(CHANGED.bold(), format_args!("? {:<16}", "not read"));
    vec![
        format!("{title} {}{of}", paint(STRONG, safe(kind))),
        format!("    {}", paint(QUIET, format_args!("{}: {}", safe(code), safe(message)))),
    ]
}

/// `bullstra-prod: 1 changed, 0 missing, 1 added, 6 governed; 2 edits not applied; all 125 read in 0.9 s.`
fn summary(report: &DriftReport) -> String {
    let counts = report.counts();
    let number = |class: &str| counts.get(class).copied().unwrap_or(0);
    let has_drift = report.findings.iter().any(Finding::is_drift);
    let style = if has_drift { REMOVED.bold() } else { ADDED.bold() };
    let drifted = format!("{} changed, {} missing, {} added", number("changed"), number("missing"), number("added"));
    let mut parts = vec![format!("{drifted}, {} governed", number("governed"))];
    if number("accepted") > 0 {
        parts.push(format!("{} accepted", number("accepted")));
    }
    if number("pending") > 0 {
        parts.push(format!("{} not applied", count(number("pending"), "edit")));
    }
    if number("undeclared") > 0 {
        parts.push(format!("{} changed in undeclared fields", count(number("undeclared"), "resource")));
    }
    let read = match number("unread") {
        0 => format!("all {} read in {:.1} s", report.read, report.seconds),
        unread => format!("{} read in {:.1} s, {unread} NOT READ", report.read, report.seconds),
    };
    parts.push(read);
    format!("{} {}.", paint(style, format_args!("{}:", report.stack)), parts.join("; "))
}
