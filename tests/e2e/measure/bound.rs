//! The least time that a command can take: a schedule without an engine.
//!
//! Every step begins as soon as the steps that it waits for have ended, makes the calls that were measured for its
//! kind, and is seen as done by one observation as soon as AWS has finished. Calls wait only for AWS's request limits,
//! if they are on, and for the sandbox, which answers one at a time.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    time::Duration,
};

use serde_json::Value;
use up_core::Limit;
use up_limits::{Bucket, Drawn, draws};

use super::{probe::Sample, report::is_read};
use crate::harness::{Account, Result, fail};

/// The kind that each call creates, or begins to create, in the order of creation.
const MAKE: &[(&str, &str)] = &[
    ("ec2:CreateVpc", "ec2.vpc"),
    ("ec2:ModifyVpcAttribute", "ec2.vpc"),
    ("ec2:CreateInternetGateway", "ec2.internet_gateway"),
    ("ec2:AttachInternetGateway", "ec2.internet_gateway"),
    ("ec2:CreateSubnet", "ec2.subnet"),
    ("ec2:CreateRouteTable", "ec2.route_table"),
    ("ec2:CreateRoute", "ec2.route_table"),
    ("ec2:AssociateRouteTable", "ec2.route_table"),
    ("ec2:AllocateAddress", "ec2.eip"),
    ("ec2:CreateNatGateway", "ec2.nat_gateway"),
    ("ec2:CreateVpcEndpoint", "ec2.vpc_endpoint"),
    ("ec2:CreateSecurityGroup", "ec2.security_group"),
    ("ec2:AuthorizeSecurityGroupIngress", "ec2.security_group"),
    ("ec2:RevokeSecurityGroupEgress", "ec2.security_group"),
    ("logs:CreateLogGroup", "logs.log_group"),
    ("logs:PutRetentionPolicy", "logs.log_group"),
    ("logs:DeleteRetentionPolicy", "logs.log_group"),
    ("ecr:CreateRepository", "ecr.repository"),
    ("iam:CreateRole", "iam.role"),
    ("iam:PutRolePolicy", "iam.role"),
    ("elasticloadbalancing:CreateLoadBalancer", "elbv2.load_balancer"),
    ("elasticloadbalancing:CreateTargetGroup", "elbv2.target_group"),
    ("elasticloadbalancing:CreateListener", "elbv2.listener"),
    ("elasticloadbalancing:CreateRule", "elbv2.rule"),
    ("ecs:CreateCluster", "ecs.cluster"),
    ("ecs:RegisterTaskDefinition", "ecs.task_definition"),
    ("ecs:CreateService", "ecs.service"),
    ("rds:CreateDBSubnetGroup", "rds.subnet_group"),
    ("rds:CreateDBParameterGroup", "rds.parameter_group"),
    ("rds:CreateDBInstance", "rds.instance"),
];

/// The same for deletes. A delete that is repeated because the resource was still in use counts once.
const TAKE_AWAY: &[(&str, &str)] = &[
    ("ec2:DeleteVpc", "ec2.vpc"),
    ("ec2:DetachInternetGateway", "ec2.internet_gateway"),
    ("ec2:DeleteInternetGateway", "ec2.internet_gateway"),
    ("ec2:DeleteSubnet", "ec2.subnet"),
    ("ec2:DisassociateRouteTable", "ec2.route_table"),
    ("ec2:DeleteRouteTable", "ec2.route_table"),
    ("ec2:ReleaseAddress", "ec2.eip"),
    ("ec2:DeleteNatGateway", "ec2.nat_gateway"),
    ("ec2:DeleteVpcEndpoints", "ec2.vpc_endpoint"),
    ("ec2:RevokeSecurityGroupIngress", "ec2.security_group"),
    ("ec2:DeleteSecurityGroup", "ec2.security_group"),
    ("logs:DeleteLogGroup", "logs.log_group"),
    ("ecr:DeleteRepository", "ecr.repository"),
    ("iam:DeleteRolePolicy", "iam.role"),
    ("iam:DeleteRole", "iam.role"),
    ("elasticloadbalancing:DeleteLoadBalancer", "elbv2.load_balancer"),
    ("elasticloadbalancing:DeleteTargetGroup", "elbv2.target_group"),
    ("elasticloadbalancing:DeleteListener", "elbv2.listener"),
    ("elasticloadbalancing:DeleteRule", "elbv2.rule"),
    ("ecs:DeleteCluster", "ecs.cluster"),
    ("ecs:DeregisterTaskDefinition", "ecs.task_definition"),
    ("ecs:UntagResource", "ecs.task_definition"),
    ("ecs:DeleteTaskDefinitions", "ecs.task_definition"),
    ("ecs:UpdateService", "ecs.service"),
    ("ecs:DeleteService", "ecs.service"),
    ("rds:DeleteDBSubnetGroup", "rds.subnet_group"),
    ("rds:DeleteDBParameterGroup", "rds.parameter_group"),
    ("rds:DeleteDBInstance", "rds.instance"),
];

/// The endpoints of these stacks are gateways, which exist at once.
const AT_ONCE: &str = "ec2.vpc_endpoint";

/// How long operations take in the sandbox.
pub(super) struct Times {
    /// Seconds by kind, as AWS takes; those of all other kinds under "".
    durations: BTreeMap<String, f64>,
    time_scale: f64,
    deletion_share: f64,
    latency: f64,
    limits: bool,
}

impl Times {
    /// The sandbox's current settings.
    pub(super) fn of(account: &Account, latency: u64, limits: bool) -> Result<Self> {
        let config = account.control("config")?;
        let number = |name: &str| config[name].as_f64().ok_or(format!("the sandbox does not tell its {name}"));
        Ok(Self {
            durations: serde_json::from_value(config["durations"].clone())?,
            time_scale: number("time_scale")?,
            deletion_share: number("deletion_share")?,
            latency: Duration::from_millis(latency).as_secs_f64(),
            limits,
        })
    }

    /// The call for the caller's identity, and the longest chain of pages; a call for each resource counts as one more.
    pub(super) fn looking(&self, sample: &Sample) -> f64 {
        (sample.pages as f64 + 2.0) * self.latency
    }

    /// The observation before, and then `steps`.
    pub(super) fn making(&self, steps: &Value, look: &Sample, sample: &Sample) -> Result<f64> {
        let works = works(steps, MAKE, sample)?;
        Ok(self.changing(&works, 1.0, look, sample))
    }

    /// The same for deleting the resources of `steps`, in reverse order.
    pub(super) fn taking_away(&self, steps: &Value, look: &Sample, sample: &Sample) -> Result<f64> {
        let works = works(steps, TAKE_AWAY, sample)?;
        Ok(self.changing(&turned(works), self.deletion_share, look, sample))
    }

    fn changing(&self, works: &[Work], share: f64, look: &Sample, sample: &Sample) -> f64 {
        let calls = sample.answer["api_calls"]["total"].as_f64().unwrap_or(1.0);
        let seconds = |kind: &str| self.durations.get(kind).filter(|_| kind != AT_ONCE).copied().unwrap_or(0.0);
        let took = |kind: &str| seconds(kind) * share / self.time_scale;
        let own = sample.sandbox.as_secs_f64() / calls;
        let aws = Aws { latency: self.latency, own, sandbox_free: 0.0, limits: self.limits, buckets: BTreeMap::new() };
        look.wall.as_secs_f64() + Schedule::new(works, &took, aws).end()
    }
}

/// The calls of one step.
#[derive(Debug, Clone)]
struct Work {
    kind: String,
    after: Vec<usize>,
    calls: Vec<&'static str>,
}

/// The steps with their calls. If a kind has fewer calls of an operation than steps, they are spread evenly.
fn works(steps: &Value, table: &[(&'static str, &str)], sample: &Sample) -> Result<Vec<Work>> {
    let mut works = vec![];
    for step in steps.as_array().into_iter().flatten() {
        let after = step["after"].as_array().into_iter().flatten().filter_map(Value::as_u64);
        let after = after.map(|step| Ok(usize::try_from(step)?)).collect::<Result<_>>()?;
        works.push(Work { kind: kind(step["address"].as_str().unwrap_or_default()), after, calls: vec![] });
    }
    let made = sample.answer["api_calls"]["by_operation"].as_object().ok_or("an answer without calls")?;
    let is_known = |name: &str| is_read(name) || table.iter().any(|(call, _)| *call == name);
    if let Some(name) = made.keys().find(|name| !is_known(name)) {
        return fail(format!("no kind is said to make the call {name}: it is missing in bound.rs"));
    }
    for (call, kind) in table {
        let of_kind: Vec<_> = (0..works.len()).filter(|&work| works[work].kind == *kind).collect();
        let count = usize::try_from(made.get(*call).and_then(Value::as_u64).unwrap_or(0))?.min(of_kind.len());
        (0..count).for_each(|number| works[of_kind[number * of_kind.len() / count]].calls.push(call));
    }
    Ok(works)
}

/// The kind `ec2.vpc` of `network:a/ec2.vpc.main:b`.
fn kind(address: &str) -> String {
    let resource = address.rsplit('/').next().unwrap_or_default();
    resource.splitn(3, '.').take(2).collect::<Vec<_>>().join(".")
}

/// The same steps with all dependencies reversed.
fn turned(works: Vec<Work>) -> Vec<Work> {
    let last = works.len().saturating_sub(1);
    let mut turned: Vec<_> = works.iter().rev().map(|work| Work { after: vec![], ..work.clone() }).collect();
    for (index, work) in works.iter().enumerate() {
        work.after.iter().for_each(|before| turned[last - before].after.push(last - index));
    }
    turned
}

/// The simulated AWS.
struct Aws {
    latency: f64,
    /// Seconds of the sandbox's processor time for each call.
    own: f64,
    sandbox_free: f64,
    limits: bool,
    buckets: BTreeMap<String, TokenQueue>,
}

/// A bucket, and the steps that wait for one of its tokens: one is next, then the most urgent of the others.
struct TokenQueue {
    bucket: Bucket,
    limit: Limit,
    waiting: BinaryHeap<(Duration, Reverse<usize>)>,
    is_taken: bool,
}

impl Aws {
    /// Seconds for one call without waiting.
    fn call(&self) -> f64 {
        self.latency + self.own
    }

    /// When a call that is made `now` is answered.
    fn answered(&mut self, now: f64) -> f64 {
        self.sandbox_free = self.sandbox_free.max(now) + self.own;
        self.sandbox_free + self.latency
    }

    /// The bucket that a call needs next, if it has `tokens` tokens already.
    fn bucket(&mut self, name: &str, tokens: usize) -> Option<(String, &mut TokenQueue)> {
        let Drawn { bucket, limit } = drawn(name).into_iter().filter(|_| self.limits).nth(tokens)?;
        let fresh =
            || TokenQueue { bucket: Bucket::full(limit, 0.0), limit, waiting: BinaryHeap::new(), is_taken: false };
        let queue = self.buckets.entry(bucket.clone()).or_insert_with(fresh);
        Some((bucket, queue))
    }
}

/// The buckets of a call such as `ec2:CreateVpc`.
fn drawn(name: &str) -> Vec<Drawn> {
    let Some((prefix, operation)) = name.split_once(':') else { return vec![] };
    let service = up_kinds::SERVICES.iter().find(|service| service.iam_prefix == prefix);
    service.map(|service| draws(service, operation)).unwrap_or_default()
}

/// The schedule of all steps.
struct Schedule<'a> {
    works: &'a [Work],
    took: &'a dyn Fn(&str) -> f64,
    aws: Aws,
    /// For each step, the steps that wait for it, and how many it still waits for.
    followers: Vec<Vec<usize>>,
    open: Vec<usize>,
    /// For each step, the duration of the longest chain behind it, without other waiting.
    ahead: Vec<Duration>,
    /// For each step, the number of answered calls.
    made: Vec<usize>,
    events: BinaryHeap<(Reverse<Duration>, ScheduleEvent)>,
}

/// The next event. At one moment, requests for tokens come before their grants.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum ScheduleEvent {
    /// The next waiting step takes a token of a bucket.
    Turn(String),
    /// A step wants to make its next call, and has this many tokens for it.
    Call { urgency: Duration, work: Reverse<usize>, tokens: usize },
    /// A step is seen as done.
    Done(usize),
}

impl<'a> Schedule<'a> {
    fn new(works: &'a [Work], took: &'a dyn Fn(&str) -> f64, aws: Aws) -> Self {
        let length = |work: &Work| (work.calls.len() + 1) as f64 * aws.call() + took(&work.kind);
        let mut ahead: Vec<_> = works.iter().map(length).collect();
        let mut followers = vec![vec![]; works.len()];
        for (index, work) in works.iter().enumerate().rev() {
            for &before in &work.after {
                ahead[before] = ahead[before].max(length(&works[before]) + ahead[index]);
                followers[before].push(index);
            }
        }
        let ahead = ahead.into_iter().map(Duration::from_secs_f64).collect();
        let (open, made) = (works.iter().map(|work| work.after.len()).collect(), vec![0; works.len()]);
        Self { works, took, aws, followers, open, ahead, made, events: BinaryHeap::new() }
    }

    /// When the last step is done.
    fn end(mut self) -> f64 {
        (0..self.works.len())
            .filter(|&work| self.works[work].after.is_empty())
            .for_each(|work| self.call(0.0, work, 0));
        let mut last = 0.0;
        while let Some((Reverse(now), event)) = self.events.pop() {
            last = now.as_secs_f64();
            match event {
                ScheduleEvent::Call { work: Reverse(work), tokens, .. } => self.go_on(last, work, tokens),
                ScheduleEvent::Turn(bucket) => self.let_one_through(last, bucket),
                ScheduleEvent::Done(work) => self.done(last, work),
            }
        }
        last
    }

    fn at(&mut self, seconds: f64, event: ScheduleEvent) {
        self.events.push((Reverse(Duration::from_secs_f64(seconds)), event));
    }

    fn call(&mut self, at: f64, work: usize, tokens: usize) {
        self.at(at, ScheduleEvent::Call { urgency: self.ahead[work], work: Reverse(work), tokens });
    }

    /// Waits for the next token of the next call; or makes the call; or, after the last call, observes.
    fn go_on(&mut self, now: f64, work: usize, tokens: usize) {
        let Work { kind, calls, .. } = &self.works[work];
        let made = self.made[work];
        let Some(name) = calls.get(made) else { return self.at(now + self.aws.call(), ScheduleEvent::Done(work)) };
        if let Some((bucket, queue)) = self.aws.bucket(name, tokens) {
            queue.waiting.push((self.ahead[work], Reverse(work)));
            if !std::mem::replace(&mut queue.is_taken, true) {
                self.at(now, ScheduleEvent::Turn(bucket));
            }
            return;
        }
        // AWS begins its work with the first call.
        let takes = if made == 0 { (self.took)(kind) } else { 0.0 };
        self.made[work] += 1;
        let answered = self.aws.answered(now);
        self.call(answered + takes, work, 0);
    }

    fn let_one_through(&mut self, now: f64, bucket: String) {
        let Some(queue) = self.aws.buckets.get_mut(&bucket) else { return };
        let Some((_, Reverse(work))) = queue.waiting.pop() else {
            queue.is_taken = false;
            return;
        };
        let through = now + queue.bucket.take(queue.limit, now);
        let name = self.works[work].calls[self.made[work]];
        let tokens = drawn(name).iter().take_while(|drawn| drawn.bucket != bucket).count() + 1;
        self.call(through, work, tokens);
        self.at(through, ScheduleEvent::Turn(bucket));
    }

    fn done(&mut self, now: f64, work: usize) {
        for follower in self.followers[work].clone() {
            self.open[follower] -= 1;
            if self.open[follower] == 0 {
                self.call(now, follower, 0);
            }
        }
    }
}
