//! Looks for drift: what differs between AWS, a stack's files, and what was applied last. Changes nothing, and takes no lock.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;
use up_apply::{ObserveError, Observer};
use up_core::{Address, Declared, Error, Status};
use up_plan::{
    LiveStack,
    drift::{Acceptance, Baseline, BaselineSource, DriftClass, DriftInput, Finding, drift},
};
use up_stack::Stack;
use up_state::{LastSnapshot, Past};

use crate::{
    Engine, Failure, MASK, Reason, Session, SessionOptions, StackTarget,
    run::{holder, remember::mask_live},
    session::{Sight, unusable},
};

/// The version of a report as JSON. It rises when a reader of the older form would misread the newer.
pub const DRIFT_FORMAT: u32 = 1;

/// How drift is looked for.
#[derive(Debug, Clone, Copy, Default)]
pub struct DriftOptions {
    /// Reports changes of fields that the file leaves out as well.
    pub undeclared: bool,
}

/// What a check has found.
#[derive(Debug, Clone, Serialize)]
pub struct DriftReport {
    /// [`DRIFT_FORMAT`].
    pub format: u32,
    /// The stack's name.
    pub stack: String,
    /// The account.
    pub account: String,
    /// The region.
    pub region: String,
    /// When the check ended.
    pub at: Timestamp,
    /// When the stack was last applied, if the history says so: without it, only AWS and the file are compared, and an edit
    /// that is not applied yet counts as a change.
    pub applied: Option<Timestamp>,
    /// The number of live resources of the stack that were read.
    pub read: usize,
    /// What was found, the worst first.
    pub findings: Vec<Finding>,
    /// What could not be read.
    pub unread: Vec<Unread>,
    /// What the reader should know beside that, as sentences without a full stop.
    pub notes: Vec<String>,
    /// How long the check took.
    pub seconds: f64,
}

/// A kind that could not be read.
#[derive(Debug, Clone, Serialize)]
pub struct Unread {
    /// The kind.
    pub kind: String,
    /// AWS's error code.
    pub code: String,
    /// Why, as a sentence without a full stop.
    pub message: String,
    /// The resources of the kind that should exist.
    pub resources: Vec<Address>,
}

/// The result of a check in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DriftResult {
    /// Everything was read, and nothing has drifted.
    Clean,
    /// Something has drifted, even if something else was not read.
    Drift,
    /// No drift was found, but not everything was read.
    Unread,
}

impl DriftReport {
    /// The result in one word.
    pub fn result(&self) -> DriftResult {
        match self.findings.iter().any(Finding::is_drift) {
            true => DriftResult::Drift,
            false if self.unread.is_empty() => DriftResult::Clean,
            false => DriftResult::Unread,
        }
    }

    /// The number of resources in each class; accepted ones are not counted.
    pub fn counts(&self) -> BTreeMap<&'static str, usize> {
        let mut counts: BTreeMap<_, BTreeSet<_>> =
            DriftClass::ALL.iter().map(|class| (class.word(), BTreeSet::new())).collect();
        for finding in self.findings.iter().filter(|finding| finding.is_drift() || !finding.class.is_drift()) {
            counts.entry(finding.class.word()).or_default().insert((&finding.address, &finding.id));
        }
        let mut counts: BTreeMap<_, _> = counts.into_iter().map(|(class, found)| (class, found.len())).collect();
        counts.insert("accepted", self.findings.iter().filter(|it| it.class.is_drift() && !it.is_drift()).count());
        counts.insert("unread", self.unread.iter().map(|unread| unread.resources.len().max(1)).sum());
        counts
    }
}

impl Engine {
    /// Compares AWS with the stack and with what was applied last. It needs the permissions of a plan, and writes nothing.
    ///
    /// # Errors
    /// When AWS or the history cannot be reached at all, a run holds the stack's lock, or the engine is interrupted. What cannot
    /// be read of a reachable AWS is in [`DriftReport::unread`].
    pub async fn drift(
        &self,
        stack: &Stack,
        session: &SessionOptions,
        options: DriftOptions,
    ) -> Result<DriftReport, Failure> {
        let begun = Instant::now();
        let session = self.open(&StackTarget::of(stack), session).await?;
        let report = session.drift(stack, options).await?;
        Ok(DriftReport { seconds: begun.elapsed().as_secs_f64(), ..report })
    }
}

impl Session {
    /// The same as [`Engine::drift`], in a session that was opened for the stack.
    ///
    /// # Errors
    /// See [`Engine::drift`].
    pub async fn drift(&self, stack: &Stack, options: DriftOptions) -> Result<DriftReport, Failure> {
        let begun = Instant::now();
        let report = self.engine.guarded(async {
            self.is_idle()?;
            let report = self.compared(stack, options).await?;
            // A run that began meanwhile has changed what was compared.
            self.is_idle()?;
            Ok(report)
        });
        let report = report.await?;
        Ok(DriftReport { at: Timestamp::now(), seconds: begun.elapsed().as_secs_f64(), ..report })
    }

    /// Refuses a stack that a run is changing.
    fn is_idle(&self) -> Result<(), Failure> {
        let Some(running) = self.state.running().map_err(unusable)? else { return Ok(()) };
        let failure = Failure::new(Reason::Locked, format!("busy: {} holds the stack's lock", holder(&running)));
        Err(failure
            .hint("while a run changes the stack, nothing can be said about drift: run the same command again later"))
    }

    async fn compared(&self, stack: &Stack, options: DriftOptions) -> Result<DriftReport, Failure> {
        let past = self.past()?;
        let mut applied = past.snapshot.as_ref().map(LastSnapshot::declared).transpose().map_err(unusable)?;
        let mut baseline: Baseline = past.snapshot.as_ref().map(LastSnapshot::baseline).unwrap_or_default();
        let mut declared = self.sealed(stack, applied.as_deref());
        let mut notes = notes(&past, applied.as_deref(), &baseline, options);
        let at = past.snapshot.as_ref().map(|snapshot| snapshot.at);
        let all = together(&stack.resources, applied.as_deref().unwrap_or_default());
        // Fields that nothing asked for may not have been read.
        let asked = |resources: &[Declared]| Observer::asked(resources, []);
        let (before, now) = (asked(applied.as_deref().unwrap_or_default()), asked(&all));
        for (address, seen) in &mut baseline {
            if before.get(&address.kind) != now.get(&address.kind) && seen.source.is_read() {
                seen.source = BaselineSource::Early;
            }
        }
        let Sight { observation, unread } = self.look(past, &all, &stack.outputs, true).await?;
        let live_stack = observation.live_stack;
        // What is left to deployments has not changed outside.
        [Some(&mut declared), applied.as_mut()].into_iter().flatten().for_each(|resources| {
            live_stack.keep_deployed(resources, &up_kinds::model);
        });
        notes.extend(troubles(&live_stack, &stack.name));
        notes.iter_mut().for_each(|note| *note = self.engine.secrets.masked(note).into_owned());
        let unread = unread_kinds(unread, &all);
        let kinds = unread.iter().map(|unread| unread.kind.clone()).collect();
        let masked = self.masked(&live_stack);
        let accepted = acceptances(stack);
        let input = DriftInput {
            stack: &stack.name,
            declared: &declared,
            applied: applied.as_deref().map(|applied| (applied, masked.as_ref().unwrap_or(&live_stack))),
            baseline: &baseline,
            live_stack: &live_stack,
            unread: &kinds,
            accepted: &accepted,
            mask: MASK,
        };
        let mut findings = drift(&input, &up_kinds::model);
        findings.retain(|finding| options.undeclared || finding.class != DriftClass::Undeclared);
        findings.iter_mut().for_each(|finding| self.mask_finding(finding));
        Ok(DriftReport {
            format: DRIFT_FORMAT,
            stack: stack.name.clone(),
            account: live_stack.account.clone(),
            region: live_stack.region.clone(),
            at: Timestamp::now(),
            applied: at,
            read: live_stack.iter().count(),
            findings,
            unread,
            notes,
            seconds: 0.0,
        })
    }

    /// The declarations, with fingerprints in the place of write-only values.
    fn sealed(&self, stack: &Stack, applied: Option<&[Declared]>) -> Vec<Declared> {
        let mut declared = stack.resources.clone();
        let mut values = BTreeSet::new();
        for declared in &mut declared {
            let Some(fields) = up_kinds::find(&declared.address.kind).map(|kind| kind.fields()) else { continue };
            if fields.iter().any(|field| field.is_write_only) {
                let before = applied.into_iter().flatten().find(|before| before.address == declared.address);
                let address = declared.address.clone();
                let sealed = up_core::seal(&address, fields, declared.spec_mut(), before.map(|before| &*before.spec));
                values.extend(sealed.into_values());
            }
        }
        self.engine.secrets.add(&values);
        declared
    }

    /// The live stack with masks in the place of secrets, as the history has what was applied; `None` if there are none.
    fn masked(&self, live_stack: &LiveStack) -> Option<LiveStack> {
        let secrets = &self.engine.secrets;
        if secrets.is_empty() {
            return None;
        }
        let mut masked = live_stack.clone();
        masked.observed.values_mut().flatten().for_each(|observed| mask_live(observed, secrets));
        Some(masked)
    }

    fn mask_finding(&self, finding: &mut Finding) {
        let secrets = &self.engine.secrets;
        for field in &mut finding.fields {
            [&mut field.applied, &mut field.live]
                .into_iter()
                .chain(&mut field.declared)
                .for_each(|it| secrets.mask(it));
        }
        finding.note.iter_mut().for_each(|note| *note = secrets.masked(note).into_owned());
    }
}

/// What is declared, and what was applied and is not declared any more.
fn together(declared: &[Declared], applied: &[Declared]) -> Vec<Declared> {
    let known: BTreeSet<_> = declared.iter().map(|declared| &declared.address).collect();
    let gone = applied.iter().filter(|applied| !known.contains(&applied.address));
    declared.iter().chain(gone).cloned().collect()
}

/// Kinds that were not read, and kinds whose resources are found through those alone.
fn unread_kinds(failed: Vec<ObserveError>, all: &[Declared]) -> Vec<Unread> {
    let of_kind = |kind: &str| {
        let of_kind = all.iter().filter(|declared| declared.address.kind == kind);
        of_kind.map(|declared| declared.address.clone()).collect::<Vec<_>>()
    };
    let unread = |kind: &str, code: String, message: String| Unread {
        kind: kind.to_owned(),
        code,
        message,
        resources: of_kind(kind),
    };
    let mut all_unread: Vec<_> = failed
        .into_iter()
        .map(|ObserveError { kind, error: Error { code, message, .. } }| unread(kind, code, message))
        .collect();
    for declared in all {
        let kind = declared.address.kind.as_str();
        let parent = up_kinds::find(kind).and_then(|kind| kind.info().parent).map(|field| &declared.spec[field]);
        let parents = parent.map(up_core::references).unwrap_or_default();
        let is_unread = |name: &str| all_unread.iter().any(|unread| unread.kind == name);
        if let Some(parent) = parents.iter().find(|parent| is_unread(&parent.kind)).filter(|_| !is_unread(kind)) {
            let message = format!("its resources are found through {}, which could not be read", parent.kind);
            all_unread.push(unread(kind, "ParentUnread".to_owned(), message));
        }
    }
    all_unread
}

/// What is accepted, and whether its last day is over.
fn acceptances(stack: &Stack) -> Vec<Acceptance> {
    let today = TimeZone::UTC.to_datetime(Timestamp::now()).date();
    let accepted = stack.accept.iter().map(|accept| Acceptance {
        address: accept.address.clone(),
        field: accept.field.clone(),
        reason: accept.reason.clone(),
        until: accept.until.to_string(),
        expired: accept.until < today,
    });
    accepted.collect()
}

/// The problems that AWS reports.
fn troubles(live_stack: &LiveStack, stack: &str) -> Vec<String> {
    let troubles = live_stack.iter().filter_map(|(_, observed)| {
        let said = match &observed.status {
            Status::Impaired(trouble) => trouble.sentence(),
            Status::Failed(why) => format!("it failed: {why}"),
            Status::Ready | Status::Pending(_) | Status::Deleting(_) => return None,
        };
        Some(format!("{}: {said}", observed.address(stack)?))
    });
    troubles.collect()
}

fn notes(past: &Past, applied: Option<&[Declared]>, baseline: &Baseline, options: DriftOptions) -> Vec<String> {
    let mut notes = vec![];
    if applied.is_none() {
        let note = "there is no record of the last apply here: AWS is compared with the file alone, and edits that are not \
                    applied yet count as changes";
        notes.push(note.to_owned());
    }
    if let Some(run) = &past.interrupted_run {
        let note = format!(
            "the last {} ({}, {:.0}) was interrupted: what it has changed may show as changed outside",
            run.command, run.owner, run.began
        );
        notes.push(note);
    }
    if let Some(applied) = applied.filter(|_| options.undeclared) {
        let settled =
            applied.iter().filter(|it| baseline.get(&it.address).is_some_and(|seen| seen.source.is_read())).count();
        if settled < applied.len() {
            let note = format!(
                "fields that the file leaves out are compared for {settled} of {} resources: for the others the next apply \
                 records them, even one without changes",
                applied.len()
            );
            notes.push(note);
        }
    }
    notes
}
