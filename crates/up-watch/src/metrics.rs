//! The metrics: counted as looks end, and read from the board when they are asked for. No label holds an address.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric, prometheus_text, text},
    metrics::{MetricType, counter::Counter, family::Family, gauge::ConstGauge, histogram::Histogram},
    registry::{Registry, Unit},
};
use up_plan::drift::{DriftClass, Severity};

use crate::{
    board::{Board, StackStatus},
    config::Config,
    look::Calls,
    store::Store,
};

/// Buckets of the time that a look takes, in seconds.
const SECONDS: [f64; 10] = [0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0];
const SEVERITIES: [Severity; 5] =
    [Severity::Open, Severity::Unprotected, Severity::Permissions, Severity::Data, Severity::Other];

/// The metrics of a watch.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    checks: Family<CheckLabels, Counter>,
    seconds: Family<StackLabels, Histogram, fn() -> Histogram>,
    api_calls: Family<ServiceLabels, Counter>,
    throttled: Counter,
    notifications: Family<DeliveryLabels, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StackLabels {
    stack: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CheckLabels {
    stack: String,
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ServiceLabels {
    service: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DeliveryLabels {
    target: String,
    result: &'static str,
}

/// The format of the metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// OpenMetrics 1.0.
    OpenMetrics,
    /// Prometheus's text format 0.0.4, which all its tools read.
    Prometheus,
}

impl Format {
    /// The format that an `Accept` header asks for.
    pub fn accepted(accept: &str) -> Self {
        if accept.contains("application/openmetrics-text") { Self::OpenMetrics } else { Self::Prometheus }
    }

    /// Its media type.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Prometheus => prometheus_text::CONTENT_TYPE,
        }
    }
}

impl Metrics {
    pub(crate) fn new(board: Arc<Board>, store: Arc<Store>, config: &Config) -> Self {
        let metrics = Self {
            registry: Registry::with_prefix("bullstra"),
            checks: Family::default(),
            seconds: Family::new_with_constructor(|| Histogram::new(SECONDS)),
            api_calls: Family::default(),
            throttled: Counter::default(),
            notifications: Family::default(),
        };
        let mut registry = Registry::with_prefix("bullstra");
        let help = "Looks at a stack, by their result: clean, drift, unread, absent, busy or failed";
        registry.register("checks", help, metrics.checks.clone());
        let help = "How long a look takes, without waiting for its turn";
        registry.register_with_unit("check", help, Unit::Seconds, metrics.seconds.clone());
        registry.register("api_calls", "Calls to AWS, each retry counted again", metrics.api_calls.clone());
        registry.register("throttled", "Calls that AWS has throttled", metrics.throttled.clone());
        let help = "Attempts to deliver a notification, by their result: sent, failed or dropped";
        registry.register("notifications", help, metrics.notifications.clone());
        let targets = config.targets.iter().map(|target| target.name.clone()).collect();
        registry.register_collector(Box::new(BoardMetrics { board, store, targets }));
        // From the beginning, so that an alert on their increase sees the first.
        for stack in &config.stacks {
            for result in ["clean", "drift", "unread", "absent", "busy", "failed"] {
                drop(metrics.checks.get_or_create_owned(&CheckLabels { stack: stack.name.clone(), result }));
            }
        }
        for target in &config.targets {
            for result in ["sent", "failed", "dropped"] {
                let labels = DeliveryLabels { target: target.name.clone(), result };
                drop(metrics.notifications.get_or_create_owned(&labels));
            }
        }
        Self { registry, ..metrics }
    }

    /// All metrics as text.
    pub fn text(&self, format: Format) -> String {
        let mut text = String::new();
        let written = match format {
            Format::OpenMetrics => text::encode(&mut text, &self.registry),
            Format::Prometheus => prometheus_text::encode(&mut text, &self.registry),
        };
        written.expect("text takes text");
        text
    }

    pub(crate) fn looked(&self, stack: &str, result: &'static str, took: Duration, calls: &Calls) {
        self.checks.get_or_create(&CheckLabels { stack: stack.to_owned(), result }).inc();
        self.seconds.get_or_create(&StackLabels { stack: stack.to_owned() }).observe(took.as_secs_f64());
        for (service, calls) in &calls.by_service {
            self.api_calls.get_or_create(&ServiceLabels { service: service.clone() }).inc_by(*calls);
        }
        self.throttled.inc_by(calls.throttled);
    }

    pub(crate) fn sent(&self, target: &str) {
        self.delivered(target, "sent");
    }

    pub(crate) fn failed(&self, target: &str) {
        self.delivered(target, "failed");
    }

    pub(crate) fn dropped(&self, target: &str) {
        self.delivered(target, "dropped");
    }

    fn delivered(&self, target: &str, result: &'static str) {
        self.notifications.get_or_create(&DeliveryLabels { target: target.to_owned(), result }).inc();
    }
}

/// What the board and the queues say now.
#[derive(Debug)]
struct BoardMetrics {
    board: Arc<Board>,
    store: Arc<Store>,
    targets: Vec<String>,
}

impl Collector for BoardMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let (now, stacks) = self.board.snapshot();
        let help = "Resources of a stack by what has happened to them, with how bad it is; only changed, missing and added are drift";
        let mut metric = encoder.encode_descriptor("drift_resources", help, None, MetricType::Gauge)?;
        for stack in &stacks {
            for ((class, severity), count) in resources(stack) {
                let labels = [("stack", stack.name.as_str()), ("class", class), ("severity", severity)];
                ConstGauge::new(i64::try_from(count).unwrap_or(i64::MAX)).encode(metric.encode_family(&labels)?)?;
            }
        }
        let help = "When the last complete check of a stack ended";
        let name = "last_complete_check_timestamp";
        let mut metric = encoder.encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Gauge)?;
        for stack in &stacks {
            if let Some(complete) = stack.complete {
                let labels = [("stack", stack.name.as_str())];
                ConstGauge::new(complete.at.as_second()).encode(metric.encode_family(&labels)?)?;
            }
        }
        let help = "1 if the last look at a stack has failed or could not read everything";
        let mut metric = encoder.encode_descriptor("stack_failing", help, None, MetricType::Gauge)?;
        for stack in &stacks {
            let labels = [("stack", stack.name.as_str())];
            ConstGauge::new(i64::from(stack.is_failing())).encode(metric.encode_family(&labels)?)?;
        }
        let help = "1 if the last complete check of a stack is older than three looks take";
        let mut metric = encoder.encode_descriptor("stack_overdue", help, None, MetricType::Gauge)?;
        for stack in &stacks {
            let labels = [("stack", stack.name.as_str())];
            ConstGauge::new(i64::from(self.board.is_overdue(stack, now))).encode(metric.encode_family(&labels)?)?;
        }
        if !self.targets.is_empty() {
            let help = "Notifications that wait for delivery";
            let mut metric = encoder.encode_descriptor("notifications_waiting", help, None, MetricType::Gauge)?;
            for target in &self.targets {
                let waiting = i64::try_from(self.store.waiting(target)).unwrap_or(i64::MAX);
                ConstGauge::new(waiting).encode(metric.encode_family(&[("target", target.as_str())])?)?;
            }
        }
        let mut metric =
            encoder.encode_descriptor("watch_info", "The version of bullstra-up", None, MetricType::Gauge)?;
        let labels = [("version", env!("CARGO_PKG_VERSION"))];
        ConstGauge::new(1_i64).encode(metric.encode_family(&labels)?)
    }
}

/// The number of resources by class and severity. The series of a stack are always the same.
fn resources(stack: &StackStatus) -> BTreeMap<(&'static str, &'static str), usize> {
    let mut counts = BTreeMap::new();
    for class in DriftClass::ALL.into_iter().filter(|class| class.is_drift()) {
        counts.extend(SEVERITIES.map(|severity| ((class.word(), severity.word()), 0)));
    }
    // As it was told: what could not be read this time has not gone.
    for drift in stack.told.drift.values() {
        *counts.entry((drift.class.word(), drift.severity.word())).or_default() += 1;
    }
    let rest = ["accepted", "governed", "pending", "undeclared", "unread"];
    let other = Severity::Other.word();
    let look = stack.look.as_ref();
    let count = |class| look.and_then(|look| look.counts.get(class)).copied().unwrap_or(0);
    counts.extend(rest.map(|class| ((class, other), count(class))));
    counts
}
