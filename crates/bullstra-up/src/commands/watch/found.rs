//! What the engine has found, as the watch keeps it: texts without secrets and control characters.

use serde_json::json;
use up_engine::{DriftReport, Failure, Reason, Unread};
use up_plan::drift::Finding;
use up_watch::{Cause, Found, Line, Look, LookFailure, Mark, NotRead, fingerprint};

use crate::render::{self, safe};

/// The errors of a stack's files that are shown; the others are counted.
const MOST_ERRORS: usize = 10;

pub(super) fn look(report: &DriftReport, notes: &[String]) -> Look {
    Look {
        counts: report.counts(),
        stack: report.stack.clone(),
        account: report.account.clone(),
        region: report.region.clone(),
        applied: report.applied,
        read: report.read,
        findings: report.findings.iter().map(found).collect(),
        unread: report.unread.iter().map(not_read).collect(),
        notes: report.notes.iter().chain(notes).map(|note| safe(note)).collect(),
    }
}

fn found(finding: &Finding) -> Found {
    let Finding { class, severity, address, id, fields, note, .. } = finding;
    let lines = render::drift_lines(finding, &up_kinds::model);
    let line = |line: render::DiffLine| Line { mark: mark(line.mark), depth: line.depth, text: line.text };
    Found {
        class: *class,
        severity: *severity,
        is_drift: finding.is_drift(),
        address: address.to_string(),
        kind: address.kind.clone(),
        id: id.as_deref().map(safe),
        remarks: render::drift_remarks(finding),
        lines: lines.into_iter().map(line).collect(),
        fingerprint: fingerprint(&json!([class, fields, note])),
    }
}

fn mark(mark: render::Mark) -> Mark {
    match mark {
        render::Mark::Added => Mark::Added,
        render::Mark::Removed => Mark::Removed,
        render::Mark::Changed => Mark::Changed,
        render::Mark::Context => Mark::Context,
    }
}

fn not_read(unread: &Unread) -> NotRead {
    let Unread { kind, code, message, resources } = unread;
    NotRead { kind: safe(kind), code: safe(code), message: safe(message), resources: resources.len() }
}

pub(super) fn failure(failure: &Failure) -> LookFailure {
    let cause = match failure.reason {
        Reason::Locked => Cause::Busy,
        Reason::Input => Cause::Input,
        Reason::Access => Cause::Access,
        Reason::Failed | Reason::Refused | Reason::Interrupted => Cause::Failed,
    };
    let errors = failure.diagnostics.iter().flat_map(|all| all.iter());
    let errors = errors.take(MOST_ERRORS).map(|it| format!("{}:{}: {}", it.file, it.line, it.message));
    let lines: Vec<_> = failure.message.lines().map(str::to_owned).chain(errors).collect();
    let message = lines.iter().map(|line| safe(line)).collect::<Vec<_>>().join("\n");
    LookFailure { hint: failure.hint.as_deref().map(safe), ..LookFailure::new(cause, message) }
}
