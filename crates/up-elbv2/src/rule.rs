//! `elbv2.rule`: takes some of a listener's requests elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_elasticloadbalancingv2::types::{self as wire, RulePriorityPair};
use tokio::sync::Mutex;
use up_core::{Address, mirror::changed, prelude::*};

use crate::{
    action::{self, Action},
    check_range, client,
    condition::Condition,
    find::{self, PAGE},
    list, made,
};

/// Takes some of the requests that come to an application load balancer's listener elsewhere.
///
/// Rules are tried from the lowest priority up, and the first whose conditions all hold is followed. Where the listener
/// is replaced, so is the rule.
#[spec]
pub struct Rule {
    /// The listener.
    #[spec(replace)]
    listener: Ref<names::Listener>,
    /// When it is tried, beside the listener's other rules: 1, before all others, to 50,000. No two have the same.
    priority: i32,
    /// Which requests it is for, such as `[{ path_pattern = ["/orders/*"] }]`: all conditions must hold.
    conditions: BTreeSet<Condition>,
    /// What becomes of them: one action.
    actions: Vec<Action>,
}

/// The last priority there is.
const LAST: i32 = 50_000;

/// The most values that AWS takes in all conditions of one rule.
const VALUES: usize = 5;

impl Kind for Rule {
    const NAME: &'static str = names::ListenerRule::NAME;
    const SERVICE: &'static up_core::Service = &crate::SERVICE;

    const INFO: KindInfo = KindInfo {
        cloudformation: "AWS::ElasticLoadBalancingV2::ListenerRule",
        actions: Actions {
            observe: actions!(elasticloadbalancing: DescribeLoadBalancers DescribeListeners DescribeRules DescribeTags),
            create: actions!(elasticloadbalancing: CreateRule AddTags DescribeRules DescribeTags),
            update: actions!(elasticloadbalancing: ModifyRule SetRulePriorities DescribeRules DescribeTags),
            tag: actions!(elasticloadbalancing: AddTags RemoveTags),
            delete: actions!(elasticloadbalancing: DeleteRule),
        },
        attrs: &["arn"],
        deletes_at_once: true,
        ..KindInfo::DEFAULT
    };

    /// One call for each listener.
    async fn observe(cx: &Context, query: &Query) -> Result<Vec<Observed<Self>>> {
        let listeners = find::listeners(cx, query).await?;
        let rules = listeners.into_iter().map(|listener| rules(cx, listener));
        let named = concurrently(rules).await?.into_iter().flatten().map(|(listener, rule)| {
            let arn = present(rule.rule_arn.clone(), "ARN of a rule")?;
            Ok((arn, (listener, rule)))
        });
        let rules = named.collect::<Result<BTreeMap<_, _>>>()?;
        let ours = find::owned(cx, query, rules).await?.into_iter();
        ours.map(|(tags, arn, (listener, rule))| read(tags, arn, listener, rule)).collect()
    }

    /// Safe to repeat: a listener has one rule of each priority, and one that an earlier try has made is known by its
    /// tags. While another of the stack's has it, which is about to release it, this is tried again.
    async fn create(&self, cx: &Context, new: &NewResource) -> Result<Created<Self>> {
        let listener = cx.id(&self.listener)?;
        let request = client(cx).create_rule().listener_arn(&listener).set_tags(Some(list(&new.tags)));
        match fill!(request, cx, self: priority, conditions, actions).send().await.map_err(Error::from) {
            Ok(answer) => {
                let rule = made(answer.rules)?;
                let arn = present(rule.rule_arn.clone(), "ARN of a rule")?;
                Ok(read(new.tags.clone(), arn, listener, rule)?.into())
            }
            Err(error) if error.code == "PriorityInUse" => {
                match holder(cx, &rules(cx, listener).await?, self.priority, &new.stack).await? {
                    Some((arn, tags)) if new.gave(&tags) => Ok(arn.into()),
                    // The stack's own, or gone meanwhile.
                    _ => Err(Error { kind: ErrorKind::Conflict, ..error }),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// Safe to repeat: everything is set.
    async fn update(&self, cx: &Context, observed: &Observed<Self>) -> Result<()> {
        let was = &observed.spec;
        if self.conditions != was.conditions || changed(&self.actions, &was.actions, cx)?.is_some() {
            let call = client(cx).modify_rule().rule_arn(&observed.id);
            fill!(call, cx, self: conditions, actions).send().await?;
        }
        if self.priority != observed.spec.priority {
            self.reprioritise(cx, observed).await?;
        }
        Ok(())
    }

    /// Safe to repeat: a second delete finds nothing.
    async fn delete(cx: &Context, observed: &Observed<Self>) -> Result<()> {
        client(cx).delete_rule().rule_arn(&observed.id).send().await?;
        Ok(())
    }

    fn unique(&self) -> Vec<Unique> {
        let priority = Unique::value("priority", self.priority);
        priority.map(|priority| priority.within(&self.listener).exchanged()).into_iter().collect()
    }

    fn check(&self) -> Vec<Problem> {
        let values: usize = self.conditions.iter().map(Condition::values).sum();
        let many = format!("all conditions together have {VALUES} values at most, and these have {values}");
        let rules = problems! {
            self.conditions.is_empty() => "conditions", "missing: which requests it is for";
            values > VALUES => "conditions", "{many}";
        };
        let empty = self.conditions.iter().filter(|condition| condition.values() == 0);
        let empty =
            empty.map(|it| Problem::new("conditions", format!("a condition on `{}` needs a value", it.field())));
        let mut fields = BTreeSet::new();
        let twice = self
            .conditions
            .iter()
            .map(Condition::field)
            .filter(|field| !matches!(*field, "http-header" | "query-string") && !fields.insert(*field));
        let twice = twice.map(|field| format!("two conditions on `{field}` can be one, with the values of both"));
        let twice: Vec<_> = twice.map(|message| Problem::new("conditions", message)).collect();
        let found = check_range("priority", self.priority, 1..=LAST).into_iter().chain(rules);
        found.chain(empty).chain(twice).chain(action::check("actions", &self.actions)).collect()
    }

    fn check_together<'a>(all: impl Iterator<Item = (&'a Address, Self)>) -> Vec<(Address, Problem)> {
        let all: Vec<_> = all.collect();
        let mut taken = BTreeMap::new();
        let twice = all.iter().filter_map(|(at, rule)| {
            let first = taken.insert((&rule.listener, rule.priority), *at)?;
            let message = format!("{first} has the priority {} on the same listener", rule.priority);
            Some(((*at).clone(), Problem::new("priority", message)))
        });
        twice.collect()
    }
}

/// Held while a rule's priority is changed, so that of two rules that change places one does not act on what the other
/// has just done away with. Between runs the stack's lock does the same.
static PRIORITIES: Mutex<()> = Mutex::const_new(());

impl Rule {
    /// Where another of the stack's rules has the priority, it must be about to move, for no two are declared alike:
    /// the two change places, in one call, and the other goes on from there.
    async fn reprioritise(&self, cx: &Context, observed: &Observed<Self>) -> Result<()> {
        let _alone = PRIORITIES.lock().await;
        let pair = |arn: &str, priority| RulePriorityPair::builder().rule_arn(arn).priority(priority).build();
        let call = client(cx).set_rule_priorities().rule_priorities(pair(&observed.id, self.priority));
        match call.clone().send().await.map_err(Error::from) {
            Err(error) if error.code == "PriorityInUse" => {
                let stack = observed.tags.get(Address::STACK_TAG).ok_or_else(|| Error::ours("a rule of no stack"))?;
                let rules = rules(cx, cx.id(&self.listener)?).await?;
                let own = rules.iter().find(|(_, rule)| rule.rule_arn.as_ref() == Some(&observed.id));
                let own = own.and_then(|(_, rule)| priority(rule)).ok_or(error)?;
                // Gone meanwhile: then the priority is free.
                let call = match holder(cx, &rules, self.priority, stack).await? {
                    Some((other, _)) => call.rule_priorities(pair(&other, own)),
                    None => call,
                };
                call.send().await?;
                Ok(())
            }
            answer => answer.map(drop),
        }
    }
}

/// Which rule has a priority, with its tags. `None` where it has gone meanwhile; refused where it is someone else's.
async fn holder(
    cx: &Context,
    rules: &[(String, wire::Rule)],
    wanted: i32,
    stack: &str,
) -> Result<Option<(String, Tags)>> {
    let holder = rules.iter().find(|(_, rule)| priority(rule) == Some(wanted));
    let Some(arn) = holder.and_then(|(_, rule)| rule.rule_arn.clone()) else { return Ok(None) };
    match find::tags_of(cx, &arn).await? {
        Some(tags) if tags.get(Address::STACK_TAG).is_some_and(|owner| owner == stack) => Ok(Some((arn, tags))),
        Some(_) => {
            let message = format!("priority {wanted} belongs to {arn}, which is not this stack's");
            Err(Error::refused("PriorityInUse", message))
        }
        None => Ok(None),
    }
}

fn priority(rule: &wire::Rule) -> Option<i32> {
    rule.priority.as_ref()?.parse().ok()
}

/// The rules of a listener, each with it, but for the one that AWS makes itself of the default actions.
async fn rules(cx: &Context, listener: String) -> Result<Vec<(String, wire::Rule)>> {
    let request = client(cx).describe_rules().listener_arn(&listener).page_size(PAGE);
    let all = request.into_paginator().items().send().try_collect().await.unless_gone()?.unwrap_or_default();
    let own = all.into_iter().filter(|rule| rule.is_default != Some(true));
    Ok(own.map(|rule| (listener.clone(), rule)).collect())
}

fn read(tags: Tags, arn: String, listener: String, rule: wire::Rule) -> Result<Observed<Rule>> {
    let priority = present(priority(&rule), "priority of a rule")?;
    let spec = Rule {
        listener: Ref::id(listener),
        priority,
        conditions: read!(rule.conditions)?,
        actions: action::observed(rule.actions)?,
    };
    Ok(Observed::new(&arn, tags, spec).attr("arn", arn))
}
