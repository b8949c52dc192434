//! Finds what is a stack's. The API cannot filter by tag, and tells tags in a call of their own.

use std::collections::{BTreeMap, BTreeSet};

use up_core::{AlreadyDone, Context, Error, ErrorKind, NewResource, Query, Result, Tags, concurrently, present};

use crate::{SERVICE, client, tags};

/// The most ARNs that one call tells the tags of.
const DESCRIBED: usize = 20;

/// The most the API lists in one answer.
pub(crate) const PAGE: i32 = 400;

/// Those that may be asked for, by the ARN and the name that the API lists.
pub(crate) fn asked<T>(
    query: &Query,
    listed: impl IntoIterator<Item = (Option<String>, Option<String>, T)>,
) -> Result<Vec<(String, T)>> {
    let mut found = Vec::new();
    for (arn, name, item) in listed {
        let (arn, name) = (present(arn, "ARN")?, present(name, "name")?);
        if query.may_match(&arn, &arn, &name) {
            found.push((arn, item));
        }
    }
    Ok(found)
}

/// Those that are the stack's, each with its tags and its ARN.
pub(crate) async fn owned<T>(
    cx: &Context,
    query: &Query,
    found: impl IntoIterator<Item = (String, T)>,
) -> Result<Vec<(Tags, String, T)>> {
    let found: Vec<_> = found.into_iter().collect();
    let mut owned = tags_of_owned(cx, query, found.iter().map(|(arn, _)| arn)).await?;
    Ok(found.into_iter().filter_map(|(arn, item)| Some((owned.remove(&arn)?, arn, item))).collect())
}

/// The tags of those among `arns` that are the stack's: from the index, or by asking about what it does not list.
async fn tags_of_owned<'a>(
    cx: &Context,
    query: &Query,
    arns: impl Iterator<Item = &'a String>,
) -> Result<BTreeMap<String, Tags>> {
    let wanted = arns.filter(|arn| query.wants(arn));
    let (listed, unlisted): (Vec<_>, Vec<_>) = wanted.partition(|arn| query.index.tags(arn).is_some());
    let listed = listed.into_iter().filter_map(|arn| Some((arn.clone(), query.index.tags(arn)?.clone())));
    let mut found: BTreeMap<_, _> = listed.collect();
    let unlisted: Vec<String> = unlisted.into_iter().cloned().collect();
    let some_each: Vec<_> = unlisted.chunks(DESCRIBED).map(<[_]>::to_vec).collect();
    let told = some_each.into_iter().map(async |arns| match described(cx, &arns).await {
        // One that went meanwhile spoils the answer for all.
        Err(error) if error.kind == ErrorKind::NotFound => described_singly(cx, &arns).await,
        told => told,
    });
    found.extend(concurrently(told).await?.into_iter().flatten());
    // Of a load balancer or a target group, the ARN ends with its name and an id.
    found.retain(|arn, tags| query.accepts(arn.rsplit('/').nth(1).unwrap_or_default(), tags));
    Ok(found)
}

/// The tags of one; `None` where it is gone.
pub(crate) async fn tags_of(cx: &Context, arn: &str) -> Result<Option<Tags>> {
    let described = described(cx, &[arn.to_owned()]).await.unless_gone()?.unwrap_or_default();
    Ok(described.into_iter().next().map(|(_, tags)| tags))
}

/// What a create has answered with, if it is this birth's: with the same name and settings AWS answers with one that
/// exists, even if it belongs to others. Names that are derived belong to the stack, and are not asked about.
pub(crate) async fn born(cx: &Context, new: &NewResource, name: Option<&String>, arn: String) -> Result<String> {
    let Some(name) = name else { return Ok(arn) };
    let described = described(cx, std::slice::from_ref(&arn)).await.unless_gone()?.unwrap_or_default();
    match described.iter().all(|(_, tags)| new.gave(tags)) {
        true => Ok(arn),
        false => Err(Error::answered("DuplicateName", &format!("{arn} has the name `{name}` and the same settings"))),
    }
}

/// The load balancers whose listeners may be the stack's: by the index and by the ARNs of listeners and rules that are
/// known, or, where those name none, by how load balancers are called.
pub(crate) async fn load_balancers(cx: &Context, query: &Query) -> Result<BTreeSet<String>> {
    let listed = ["loadbalancer/app/", "loadbalancer/net/", "listener/", "listener-rule/"]
        .into_iter()
        .flat_map(|resource| query.listed(SERVICE.iam_prefix, resource));
    let known = listed.chain(query.known.iter().map(String::as_str)).filter_map(load_balancer_of);
    let known: BTreeSet<_> = known.collect();
    if !known.is_empty() {
        return Ok(known);
    }
    let request = client(cx).describe_load_balancers().page_size(PAGE);
    let all = request.into_paginator().items().send().try_collect().await?;
    let named = all.into_iter().map(|balancer| {
        present(balancer.load_balancer_arn.zip(balancer.load_balancer_name), "ARN and name of a load balancer")
    });
    let named: Vec<_> = named.collect::<Result<_>>()?;
    Ok(named.into_iter().filter(|(_, name)| query.derives(name)).map(|(arn, _)| arn).collect())
}

/// The listeners whose rules may be the stack's. Those of a load balancer are asked for only where none is known.
pub(crate) async fn listeners(cx: &Context, query: &Query) -> Result<BTreeSet<String>> {
    let listed = ["listener/", "listener-rule/"].into_iter();
    let listed = listed.flat_map(|resource| query.listed(SERVICE.iam_prefix, resource));
    let known = listed.chain(query.known.iter().map(String::as_str)).filter_map(listener_of);
    let mut listeners: BTreeSet<_> = known.collect();
    let mut balancers = load_balancers(cx, query).await?;
    for balancer in listeners.iter().filter_map(|listener| load_balancer_of(listener)) {
        balancers.remove(&balancer);
    }
    for listener in listeners_on(cx, balancers).await? {
        listeners.insert(present(listener.listener_arn, "ARN of a listener")?);
    }
    Ok(listeners)
}

/// All listeners of some load balancers. A load balancer that is gone has none.
pub(crate) async fn listeners_on(
    cx: &Context,
    balancers: BTreeSet<String>,
) -> Result<Vec<aws_sdk_elasticloadbalancingv2::types::Listener>> {
    let all = balancers.into_iter().map(|arn| async move {
        let request = client(cx).describe_listeners().load_balancer_arn(arn).page_size(PAGE);
        let listed = request.into_paginator().items().send().try_collect().await.unless_gone()?;
        Ok(listed.unwrap_or_default())
    });
    Ok(concurrently(all).await?.into_iter().flatten().collect())
}

async fn described(cx: &Context, arns: &[String]) -> Result<Vec<(String, Tags)>> {
    let answer = client(cx).describe_tags().set_resource_arns(Some(arns.to_vec())).send().await?;
    let described = answer.tag_descriptions.unwrap_or_default().into_iter();
    let described: BTreeMap<_, _> = described.filter_map(|each| Some((each.resource_arn?, tags(each.tags)))).collect();
    // What is not described would be taken for somebody else's.
    match arns.iter().find(|arn| !described.contains_key(*arn)) {
        Some(arn) => Err(Error::absent(&format!("tags of {arn}"))),
        None => Ok(described.into_iter().collect()),
    }
}

async fn described_singly(cx: &Context, arns: &[String]) -> Result<Vec<(String, Tags)>> {
    let mut found = Vec::new();
    for arn in arns {
        found.extend(described(cx, std::slice::from_ref(arn)).await.unless_gone()?.unwrap_or_default());
    }
    Ok(found)
}

/// `…:loadbalancer/app/web/1` of `…:listener/app/web/1/2` and of `…:listener-rule/app/web/1/2/3`.
fn load_balancer_of(arn: &str) -> Option<String> {
    ancestor(arn, "loadbalancer", 3)
}

/// `…:listener/app/web/1/2` of itself and of `…:listener-rule/app/web/1/2/3`.
fn listener_of(arn: &str) -> Option<String> {
    ancestor(arn, "listener", 4)
}

/// ARNs of this API hold those of what they belong to, in so many `parts`.
fn ancestor(arn: &str, kind: &str, parts: usize) -> Option<String> {
    let (account, resource) = arn.rsplit_once(':')?;
    let path: Vec<_> = resource.split('/').skip(1).take(parts).collect();
    (path.len() == parts).then(|| format!("{account}:{kind}/{}", path.join("/")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_tells_what_it_belongs_to() {
        let at = |resource: &str| format!("arn:aws:elasticloadbalancing:us-east-1:123456789012:{resource}");
        let balancer = at("loadbalancer/app/web/1");
        for below in ["loadbalancer/app/web/1", "listener/app/web/1/2", "listener-rule/app/web/1/2/3"] {
            assert_eq!(load_balancer_of(&at(below)).as_ref(), Some(&balancer));
        }
        assert_eq!(listener_of(&at("listener-rule/app/web/1/2/3")), Some(at("listener/app/web/1/2")));
        assert_eq!(listener_of(&balancer), None);
        assert_eq!(load_balancer_of(&at("loadbalancer/classic")), None);
    }
}
