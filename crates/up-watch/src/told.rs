//! What is known about a stack's drift and was told, and what a look changes about it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use up_plan::drift::{DriftClass, Severity};

use crate::look::{Cause, Found, Look, LookFailure};

/// A failure is told once so many looks in a row have failed, so that a hiccup is not.
const TELL_AFTER: u32 = 2;

/// So many reasons are told until the stack is checked again.
const MOST_REASONS: usize = 5;

/// What is known about a stack and was told: it survives a restart.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// Drift, by the resource that it is about.
    #[serde(default)]
    pub drift: BTreeMap<String, KnownDrift>,
    /// Why the stack cannot be checked, since when.
    #[serde(default)]
    pub trouble: Option<Trouble>,
    /// When the last complete check ended.
    #[serde(default)]
    pub complete: Option<Timestamp>,
}

/// Drift of one resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownDrift {
    /// What has happened.
    pub class: DriftClass,
    /// How bad it is.
    pub severity: Severity,
    /// The resource.
    pub address: String,
    /// Its kind.
    pub kind: String,
    /// Its id in AWS, if it exists.
    pub id: Option<String>,
    /// When a look saw it first.
    pub since: Timestamp,
    /// Differs if the difference is another one.
    pub fingerprint: String,
}

/// Why a stack is not checked completely.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// Tells one reason from another. Messages hold ids of requests, and differ each time.
    pub fingerprint: String,
    /// Why, for people.
    pub message: String,
    /// Since when.
    pub since: Timestamp,
    /// How many looks in a row.
    pub looks: u32,
    /// The reasons that were told. One that comes and goes is told once.
    #[serde(default)]
    pub told: BTreeSet<String>,
}

/// What has changed with a look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "transition", rename_all = "snake_case")]
pub enum Transition {
    /// Something has drifted.
    New(KnownDrift),
    /// Something that had drifted differs in another way now.
    Changed(KnownDrift),
    /// Something that had drifted does not differ any more.
    Resolved(KnownDrift),
    /// The stack cannot be checked, or not completely, or does not exist any more.
    Failing(Trouble),
    /// It is checked completely again.
    Back(Trouble),
}

impl Transition {
    /// The transition in a word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::New(_) => "new",
            Self::Changed(_) => "changed",
            Self::Resolved(_) => "resolved",
            Self::Failing(_) => "failing",
            Self::Back(_) => "back",
        }
    }

    /// The transition as a sentence without a full stop.
    pub fn sentence(&self) -> String {
        let about = |drift: &KnownDrift| {
            let id = drift.id.as_ref().map(|id| format!(" ({id})")).unwrap_or_default();
            format!("{}{id}", drift.address)
        };
        match self {
            Self::New(drift) => format!("{}: {}", happened(drift.class), about(drift)),
            Self::Changed(drift) => format!("differs in another way: {} ({})", about(drift), happened(drift.class)),
            Self::Resolved(drift) => format!("resolved: {}", about(drift)),
            Self::Failing(trouble) => format!("not checked: {}", trouble.message),
            Self::Back(trouble) => {
                format!("checked completely again (since {:.0}: {})", trouble.since, trouble.message)
            }
        }
    }
}

/// The class as people say it.
pub fn happened(class: DriftClass) -> &'static str {
    match class {
        DriftClass::Changed => "changed outside",
        DriftClass::Missing => "missing",
        DriftClass::Added => "added outside",
        DriftClass::Pending => "not applied yet",
        DriftClass::Governed => "moved as allowed",
        DriftClass::Undeclared => "changed, not declared",
    }
}

impl Told {
    /// Takes in the result of a look, and returns what has changed. `overdue` says for how long no look was complete, if that
    /// is too long.
    pub fn take(
        &mut self,
        looked: &Result<Look, LookFailure>,
        at: Timestamp,
        overdue: Option<String>,
    ) -> Vec<Transition> {
        let mut transitions = match looked {
            Ok(look) if look.is_absent() => {
                // Told as a whole, and not resource by resource.
                self.drift.clear();
                vec![]
            }
            Ok(look) => self.compare(look, at),
            Err(_) => vec![],
        };
        if looked.as_ref().is_ok_and(Look::is_complete) {
            self.complete = Some(at);
        }
        match trouble(looked, at, overdue) {
            Some(trouble) => transitions.extend(self.fails(trouble)),
            // A run holds the lock: that is no trouble of itself, and ends none.
            None if looked.is_err() => {}
            None => transitions.extend(self.trouble.take().filter(|it| !it.told.is_empty()).map(Transition::Back)),
        }
        transitions
    }

    fn compare(&mut self, look: &Look, at: Timestamp) -> Vec<Transition> {
        let unread: BTreeSet<_> = look.unread.iter().map(|unread| unread.kind.as_str()).collect();
        let mut found = found(look, at);
        let mut transitions = vec![];
        // What could not be read is as it was.
        let known = std::mem::take(&mut self.drift);
        for (key, before) in known {
            match found.remove(&key) {
                Some(now) if now.fingerprint == before.fingerprint => {
                    self.drift.insert(key, KnownDrift { since: before.since, ..now });
                }
                Some(now) => {
                    let now = KnownDrift { since: before.since, ..now };
                    transitions.push(Transition::Changed(now.clone()));
                    self.drift.insert(key, now);
                }
                None if unread.contains(before.kind.as_str()) => {
                    self.drift.insert(key, before);
                }
                None => transitions.push(Transition::Resolved(before)),
            }
        }
        transitions.extend(found.values().cloned().map(Transition::New));
        self.drift.extend(found);
        let order = |transition: &Transition| match transition {
            Transition::New(drift) => (0, Some(drift.severity)),
            Transition::Changed(drift) => (1, Some(drift.severity)),
            Transition::Resolved(drift) => (2, Some(drift.severity)),
            Transition::Failing(_) | Transition::Back(_) => (3, None),
        };
        transitions.sort_by_key(order);
        transitions
    }

    fn fails(&mut self, new: Trouble) -> Option<Transition> {
        let mut trouble = match self.trouble.take() {
            // Another reason, but it is the same time in which the stack is not checked.
            Some(before) => {
                Trouble { since: before.since, looks: before.looks.saturating_add(1), told: before.told, ..new }
            }
            None => new,
        };
        let is_due = trouble.looks >= TELL_AFTER || AT_ONCE.contains(&trouble.fingerprint.as_str());
        let tells = is_due && trouble.told.len() < MOST_REASONS && trouble.told.insert(trouble.fingerprint.clone());
        self.trouble = Some(trouble.clone());
        tells.then_some(Transition::Failing(trouble))
    }
}

/// Not a hiccup.
const AT_ONCE: [&str; 2] = [ABSENT, OVERDUE];
const ABSENT: &str = "absent";
const OVERDUE: &str = "overdue";

/// The drift of each resource.
fn found(look: &Look, at: Timestamp) -> BTreeMap<String, KnownDrift> {
    let mut all: BTreeMap<String, KnownDrift> = BTreeMap::new();
    for found in look.drift() {
        let Found { class, severity, address, kind, id, fingerprint, .. } = found.clone();
        let one = KnownDrift { class, severity, address, kind, id, since: at, fingerprint };
        match all.get_mut(&found.key()) {
            // Two findings about one resource are told as one.
            Some(other) => {
                other.fingerprint = format!("{} {}", other.fingerprint, one.fingerprint);
                other.severity = other.severity.min(one.severity);
            }
            None => drop(all.insert(found.key(), one)),
        }
    }
    all
}

fn trouble(looked: &Result<Look, LookFailure>, at: Timestamp, overdue: Option<String>) -> Option<Trouble> {
    let trouble = |fingerprint: &str, message: String| {
        Some(Trouble { fingerprint: fingerprint.to_owned(), message, since: at, looks: 1, told: BTreeSet::new() })
    };
    match looked {
        Err(LookFailure { cause: Cause::Busy, message, .. }) => {
            overdue.and_then(|overdue| trouble(OVERDUE, format!("{overdue}; {message}")))
        }
        Err(LookFailure { cause, message, .. }) => trouble(cause.word(), first_line(message)),
        Ok(look) if look.is_absent() => {
            let message = format!("nothing of the stack exists in account {}, {}", look.account, look.region);
            trouble(ABSENT, message)
        }
        Ok(look) if !look.is_complete() => {
            let kinds: Vec<_> = look.unread.iter().map(|it| format!("{} ({})", it.kind, it.code)).collect();
            let kinds = kinds.join(", ");
            trouble(&format!("unread {kinds}"), format!("{kinds} could not be read"))
        }
        Ok(_) => None,
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{look::NotRead, sim};

    fn unread(kind: &str) -> Result<Look, LookFailure> {
        let (code, message) = ("Throttling".to_owned(), "slow down".to_owned());
        let unread = vec![NotRead { kind: kind.into(), code, message, resources: 1 }];
        Ok(Look { unread, ..sim::look() })
    }

    fn words(told: &mut Told, looked: Result<Look, LookFailure>) -> Vec<&'static str> {
        let at = "2026-11-29T00:00:00Z".parse().unwrap();
        told.take(&looked, at, None).iter().map(Transition::word).collect()
    }

    #[test]
    fn a_hiccup_is_not_told() {
        let mut told = Told::default();
        let failed = || Err(LookFailure::new(Cause::Failed, "x"));
        assert!(words(&mut told, failed()).is_empty() && words(&mut told, Ok(sim::look())).is_empty());
        assert!(words(&mut told, failed()).is_empty());
        assert_eq!(words(&mut told, failed()), ["failing"]);
        assert_eq!(words(&mut told, Ok(sim::look())), ["back"]);
    }

    #[test]
    fn reasons_that_come_and_go_are_told_once_each() {
        let mut told = Told::default();
        assert!(words(&mut told, unread("ec2.vpc")).is_empty());
        assert_eq!(words(&mut told, unread("ec2.subnet")), ["failing"]);
        assert_eq!(words(&mut told, unread("ec2.vpc")), ["failing"]);
        for _ in 0..10 {
            assert!(
                words(&mut told, unread("ec2.subnet")).is_empty() && words(&mut told, unread("ec2.vpc")).is_empty()
            );
        }
        let many: usize = (0..100).map(|kind| words(&mut told, unread(&format!("kind-{kind}"))).len()).sum();
        assert_eq!(many, MOST_REASONS - 2);
        assert_eq!(words(&mut told, Ok(sim::look())), ["back"]);
    }

    #[test]
    fn a_run_ends_no_trouble() {
        let mut told = Told::default();
        let busy = || Err(LookFailure::new(Cause::Busy, "busy"));
        words(&mut told, unread("ec2.vpc"));
        assert_eq!(words(&mut told, unread("ec2.vpc")), ["failing"]);
        assert!(words(&mut told, busy()).is_empty() && told.trouble.is_some());
        assert_eq!(words(&mut told, Ok(sim::look())), ["back"]);
    }
}
