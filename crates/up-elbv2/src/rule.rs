//! `elbv2.rule`: a listener rule.

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

/// A listener rule: the action for some of the requests of an application load balancer's listener.
///
/// Rules are evaluated in priority order, from the lowest value to the highest, and the first that matches applies. If
/// the listener is replaced, so is the rule.
#[spec]
pub struct Rule {
    /// The listener.
    #[spec(replace)]
    listener: Ref<names::Listener>,
    /// The priority of the rule, 1 (evaluated first) to 50,000. Unique for each listener.
    priority: i32,
    /// The conditions, such as `[{ path_pattern = ["/orders/*"] }]`: all of them must match.
    conditions: BTreeSet<Condition>,
    /// The action: exactly one.
    actions: Vec<Action>,
}

/// The highest priority value.
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

    /// Safe to repeat: a listener has one rule of each priority, and a rule that an earlier attempt created is
    /// recognized by its tags. While another rule of the stack still has the priority, and is about to release it, the
    /// call is repeated.
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
                    // It belongs to the stack, or was deleted meanwhile.
                    _ => Err(Error { kind: ErrorKind::Conflict, ..error }),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// Safe to repeat: all values are set.
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
        let many = format!("expected at most {VALUES} values in all conditions together, and found {values}");
        let rules = problems! {
            self.conditions.is_empty() => "conditions", "expected at least one condition";
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
        let twice =
            twice.map(|field| format!("two conditions on `{field}`: combine them into one with the values of both"));
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

/// Held while a rule's priority is changed, so that of two rules that exchange priorities, neither acts on the other's
/// old one. Between runs the stack's lock has the same effect.
static PRIORITIES: Mutex<()> = Mutex::const_new(());

impl Rule {
    /// If another rule of the stack has the priority, that one is about to change too, because declared priorities are
    /// unique: one call exchanges the priorities, and the other rule continues from there.
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
                // Deleted meanwhile: the priority is free.
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

/// The rule that has a priority, with its tags. `None` if it was deleted meanwhile; refused if it is outside the stack.
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
            let message = format!("priority {wanted} belongs to {arn}, which is not in this stack");
            Err(Error::refused("PriorityInUse", message))
        }
        None => Ok(None),
    }
}

fn priority(rule: &wire::Rule) -> Option<i32> {
    rule.priority.as_ref()?.parse().ok()
}

/// The rules of a listener, without the default rule that AWS creates from the default actions.
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
