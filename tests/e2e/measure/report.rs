//! The report of measurements, as a table and as JSON.

use std::{collections::BTreeMap, fmt::Write};

use serde::Serialize;

use super::probe::Sample;

/// All measurements.
#[derive(Debug, Default, Serialize)]
pub(super) struct Report {
    pub(super) rows: Vec<PhaseRow>,
}

/// One phase of one stack. Times are in seconds.
#[derive(Debug, Clone, Serialize)]
pub(super) struct PhaseRow {
    pub(super) shape: &'static str,
    /// The number of steps of the plan that creates it: one for each resource, two for partial creates.
    pub(super) resources: usize,
    pub(super) latency_ms: u64,
    pub(super) phase: &'static str,
    pub(super) calls: u64,
    mutating: u64,
    throttled: u64,
    pub(super) wall: f64,
    /// The least possible time, see `bound.rs`.
    bound: f64,
    /// The sandbox's own processor time, as a part of the wall time.
    sandbox: f64,
    pub(super) cpu: f64,
    pub(super) peak_mib: f64,
    first_output: f64,
    by_operation: BTreeMap<String, u64>,
}

const HEAD: &str = "shape     size   ms  phase                        calls  change  thr      wall    bound  ratio  sandbox     cpu    MiB  first";

impl PhaseRow {
    pub(super) fn new(
        shape: &'static str,
        resources: usize,
        latency_ms: u64,
        phase: &'static str,
        sample: &Sample,
        bound: f64,
    ) -> Self {
        let calls = &sample.answer["api_calls"];
        let count = |name: &str| calls[name].as_u64().unwrap_or_default();
        let by_operation = calls["by_operation"].as_object().into_iter().flatten();
        Self {
            shape,
            resources,
            latency_ms,
            phase,
            calls: count("total"),
            mutating: count("mutating"),
            throttled: count("throttled"),
            wall: sample.wall.as_secs_f64(),
            bound,
            sandbox: sample.sandbox.as_secs_f64(),
            cpu: sample.cpu.as_secs_f64(),
            peak_mib: sample.peak,
            first_output: sample.first_output.as_secs_f64(),
            by_operation: by_operation.map(|(name, count)| (name.clone(), count.as_u64().unwrap_or(0))).collect(),
        }
    }

    pub(super) fn line(&self) -> String {
        let Self { shape, resources, latency_ms, phase, calls, mutating, throttled, .. } = self;
        let Self { wall, bound, sandbox, cpu, peak_mib, first_output, .. } = self;
        let ratio = if *bound > 0.0 { format!("{:.2}", wall / bound) } else { "-".into() };
        format!(
            "{shape:<8} {resources:>5} {latency_ms:>4}  {phase:<26} {calls:>7} {mutating:>7} {throttled:>4} {wall:>9.2} \
             {bound:>8.2} {ratio:>6} {sandbox:>8.2} {cpu:>7.2} {peak_mib:>6.0} {first_output:>6.2}"
        )
    }

    /// The calls that do not depend on how long AWS takes: all of a plan's, and otherwise the changing ones.
    pub(super) fn counts(&self) -> String {
        let exact = |name: &str| self.mutating == 0 || !is_read(name);
        let mut text = format!("{}, {} resources\n", self.phase, self.resources);
        for (name, count) in self.by_operation.iter().filter(|(name, _)| exact(name)) {
            // Writing to a string does not fail.
            let _ = writeln!(text, "  {count:>4} {name}");
        }
        text
    }

    /// Reading calls for each resource.
    pub(super) fn reads_a_resource(&self) -> f64 {
        (self.calls - self.mutating) as f64 / self.resources as f64
    }
}

/// True for a call that changes nothing.
pub(super) fn is_read(name: &str) -> bool {
    let operation = name.split_once(':').map_or(name, |(_, operation)| operation);
    ["Describe", "List", "Get", "BatchGet"].iter().any(|verb| operation.starts_with(verb))
}

impl Report {
    pub(super) fn add(&mut self, row: PhaseRow) {
        self.rows.push(row);
    }

    pub(super) fn table(&self) -> String {
        let lines: Vec<_> = self.rows.iter().map(PhaseRow::line).collect();
        format!("\n{HEAD}\n{}", lines.join("\n"))
    }
}
