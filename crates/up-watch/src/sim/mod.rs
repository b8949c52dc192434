//! A simulated world for the tests: a clock, stacks that drift and fail, a receiver of notifications.

mod week;
mod world;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;
use up_plan::drift::{DriftClass, Severity};

pub(crate) use self::world::{Behaviour, SimulatedLooker};
use crate::{
    Answer, Boxed, Config, Found, Level, Log, Look, Message, NotifyKind, NotifyTarget, Outgoing, Ports, Secret,
    Transition, Transport, WallClock, Watch, WatchedStack,
    schedule::{Schedule, When},
    told::KnownDrift,
};

/// A clock that goes with tokio's time, and jumps when told.
#[derive(Debug)]
pub(crate) struct SimulatedClock {
    begun: Instant,
    offset: Mutex<SignedDuration>,
}

impl Default for SimulatedClock {
    fn default() -> Self {
        Self { begun: Instant::now(), offset: Mutex::new(SignedDuration::ZERO) }
    }
}

impl SimulatedClock {
    pub(crate) fn jump(&self, by: SignedDuration) {
        *self.offset.lock().unwrap() += by;
    }
}

impl WallClock for SimulatedClock {
    fn now(&self) -> Timestamp {
        let begun: Timestamp = "2026-11-29T00:00:00Z".parse().unwrap();
        let passed = SignedDuration::try_from(self.begun.elapsed()).unwrap();
        begun + passed + *self.offset.lock().unwrap()
    }
}

/// Keeps what was said.
#[derive(Debug, Default)]
pub(crate) struct RecordingLog(pub(crate) Mutex<Vec<(Level, String)>>);

impl Log for RecordingLog {
    fn say(&self, level: Level, text: &str) {
        self.0.lock().unwrap().push((level, text.to_owned()));
    }
}

impl RecordingLog {
    pub(crate) fn has(&self, text: &str) -> bool {
        self.0.lock().unwrap().iter().any(|(_, said)| said.contains(text))
    }
}

/// A receiver of notifications that is down when told.
#[derive(Debug, Default)]
pub(crate) struct Receiver {
    pub(crate) requests: Mutex<Vec<Outgoing>>,
    /// What it answers; nothing while this is `None`.
    pub(crate) status: Mutex<Option<u16>>,
    pub(crate) attempts: Mutex<usize>,
}

impl Receiver {
    pub(crate) fn up() -> Arc<Self> {
        Arc::new(Self { status: Mutex::new(Some(200)), ..Self::default() })
    }

    pub(crate) fn answers(&self, status: Option<u16>) {
        *self.status.lock().unwrap() = status;
    }

    /// The bodies that it has taken, as JSON.
    pub(crate) fn bodies(&self) -> Vec<serde_json::Value> {
        let requests = self.requests.lock().unwrap();
        requests.iter().map(|request| serde_json::from_slice(&request.body).unwrap()).collect()
    }

    /// `stack transition address` of everything that it was told.
    pub(crate) fn told(&self) -> Vec<String> {
        let mut told = vec![];
        for body in self.bodies() {
            let message: Message = serde_json::from_value(body["data"].clone()).unwrap();
            for transition in &message.transitions {
                let about = match transition {
                    Transition::New(it) | Transition::Changed(it) | Transition::Resolved(it) => &it.address,
                    Transition::Failing(it) | Transition::Back(it) => &it.fingerprint,
                };
                told.push(format!("{} {} {about}", message.stack, transition.word()));
            }
        }
        told
    }
}

impl Transport for Receiver {
    fn send(&self, request: Outgoing) -> Boxed<'_, Result<Answer, String>> {
        *self.attempts.lock().unwrap() += 1;
        let status = *self.status.lock().unwrap();
        if status.is_some_and(|status| status < 300) {
            self.requests.lock().unwrap().push(request);
        }
        Box::pin(async move {
            match status {
                Some(status) => Ok(Answer { status, retry_after: None }),
                None => Err("it cannot be reached".to_owned()),
            }
        })
    }
}

pub(crate) const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A stack that is looked at each `interval`.
pub(crate) fn stack(name: &str, interval: Duration) -> WatchedStack {
    WatchedStack {
        name: name.to_owned(),
        file: format!("stacks/{name}.toml").into(),
        schedule: Schedule { when: When::Every(interval), jitter: interval / 10 },
        timeout: Duration::from_secs(300),
        undeclared: false,
        set: vec![],
        allow_paths: vec![],
        region: None,
        profile: None,
        role_arn: None,
        state: None,
    }
}

/// A watch of these stacks with one webhook.
pub(crate) fn config(stacks: Vec<WatchedStack>) -> Config {
    let kind = NotifyKind::Webhook { url: Secret("https://x.example.org".into()), key: Secret(KEY.into()) };
    let target = NotifyTarget { name: "ops".into(), kind, stacks: [].into() };
    Config {
        listen: "127.0.0.1:0".parse().unwrap(),
        memory: "unused".into(),
        poll: Duration::from_secs(60),
        page_url: Some("https://drift.example.org".into()),
        seed: 7,
        stacks,
        targets: vec![target],
    }
}

/// Everything around a watch.
pub(crate) struct World {
    pub(crate) clock: Arc<SimulatedClock>,
    pub(crate) looker: Arc<SimulatedLooker>,
    pub(crate) receiver: Arc<Receiver>,
    pub(crate) log: Arc<RecordingLog>,
}

impl World {
    pub(crate) fn new(behaviour: impl Fn(&str, Duration) -> Behaviour + Send + Sync + 'static) -> Self {
        Self {
            clock: Arc::default(),
            looker: Arc::new(SimulatedLooker::new(behaviour)),
            receiver: Receiver::up(),
            log: Arc::default(),
        }
    }

    pub(crate) fn watch(&self, config: Config, memory: Option<crate::MemoryFile>) -> Watch {
        let (looker, clock, transport) = (self.looker.clone(), self.clock.clone(), self.receiver.clone());
        Watch::new(config, Ports { looker, clock, transport, log: self.log.clone(), memory })
    }
}

/// Lets the watch run for so long.
pub(crate) async fn run(watch: &Watch, time: Duration) {
    let _ = tokio::time::timeout(time, watch.run()).await;
}

pub(crate) fn look() -> Look {
    Look {
        stack: "prod".into(),
        account: "111122223333".into(),
        region: "us-east-1".into(),
        applied: Some("2026-11-28T12:00:00Z".parse().unwrap()),
        read: 125,
        counts: BTreeMap::new(),
        findings: vec![],
        unread: vec![],
        notes: vec![],
    }
}

pub(crate) fn found(address: &str, version: u64) -> Found {
    Found {
        class: DriftClass::Changed,
        severity: Severity::Open,
        is_drift: true,
        address: address.into(),
        kind: address.rsplit_once('.').map_or(address, |(kind, _)| kind).into(),
        id: Some("id-1".into()),
        remarks: vec![],
        lines: vec![],
        fingerprint: version.to_string(),
    }
}

pub(crate) fn drift(address: &str, version: u64) -> KnownDrift {
    let Found { class, severity, address, kind, id, fingerprint, .. } = found(address, version);
    KnownDrift { class, severity, address, kind, id, since: "2026-11-29T00:00:00Z".parse().unwrap(), fingerprint }
}

pub(crate) fn message(stack: &str, transitions: Vec<Transition>) -> Message {
    Message {
        id: "msg_1".into(),
        at: "2026-11-29T00:00:00Z".parse().unwrap(),
        stack: stack.into(),
        account: Some("111122223333".into()),
        region: Some("us-east-1".into()),
        drifted: transitions.len(),
        transitions,
        left_out: 0,
        url: Some(format!("https://drift.example.org/stacks/{stack}")),
    }
}
