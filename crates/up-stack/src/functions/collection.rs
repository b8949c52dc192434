//! Functions on lists, sets and maps. A set is a list that holds nothing twice.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{Answer, Arguments};
use crate::value::{Fault, as_resource, by_key, mark_in, not_known, same, to_bool, to_text};

/// The most combinations that `setproduct` makes.
const LARGEST_PRODUCT: usize = 65_536;
/// The longest list that `range` makes, as in Terraform.
const LONGEST_RANGE: usize = 1024;

pub(super) fn alltrue(arguments: &Arguments<'_>) -> Answer {
    Ok(Value::Bool(bools(arguments)?.into_iter().all(|value| value)))
}

pub(super) fn anytrue(arguments: &Arguments<'_>) -> Answer {
    Ok(Value::Bool(bools(arguments)?.into_iter().any(|value| value)))
}

fn bools(arguments: &Arguments<'_>) -> Result<Vec<bool>, Fault> {
    arguments.known(0)?;
    let bool = |item: &Value| to_bool(item).ok_or_else(|| arguments.wrong(0, "a list of true and false"));
    arguments.list(0)?.iter().map(bool).collect()
}

pub(super) fn chunklist(arguments: &Arguments<'_>) -> Answer {
    let list = arguments.list(0)?;
    match arguments.count(1)? {
        0 => Ok(Value::Array(vec![Value::Array(list.to_vec())])),
        size => Ok(list.chunks(size).map(|chunk| Value::Array(chunk.to_vec())).collect()),
    }
}

/// The first that is neither null nor empty text. What is not known yet is not empty.
pub(super) fn coalesce(arguments: &Arguments<'_>) -> Answer {
    let found = arguments.rest(0).iter().find(|value| !value.is_null() && value.as_str() != Some(""));
    found.cloned().ok_or_else(|| Fault::new("`coalesce`: all of its arguments are null or empty"))
}

pub(super) fn coalescelist(arguments: &Arguments<'_>) -> Answer {
    for index in 0..arguments.rest(0).len() {
        if !arguments.value(index).is_null() && !arguments.list(index)?.is_empty() {
            return Ok(arguments.value(index).clone());
        }
    }
    Err(Fault::new("`coalescelist`: all of its arguments are empty"))
}

pub(super) fn compact(arguments: &Arguments<'_>) -> Answer {
    let full = arguments.list(0)?.iter().filter(|item| !item.is_null() && item.as_str() != Some(""));
    Ok(full.cloned().collect())
}

pub(super) fn concat(arguments: &Arguments<'_>) -> Answer {
    let mut all = vec![];
    for index in 0..arguments.rest(0).len() {
        all.extend_from_slice(arguments.list(index)?);
    }
    Ok(Value::Array(all))
}

pub(super) fn contains(arguments: &Arguments<'_>) -> Answer {
    Ok(Value::Bool(position(arguments)?.is_some()))
}

pub(super) fn index(arguments: &Arguments<'_>) -> Answer {
    let found = position(arguments)?.map(Value::from);
    found.ok_or_else(|| arguments.fault(1, "is not in the list"))
}

fn position(arguments: &Arguments<'_>) -> Result<Option<usize>, Fault> {
    for (index, item) in arguments.list(0)?.iter().enumerate() {
        if same(item, arguments.value(1))? {
            return Ok(Some(index));
        }
    }
    Ok(None)
}

pub(super) fn distinct(arguments: &Arguments<'_>) -> Answer {
    Ok(Value::Array(distinct_items(arguments.list(0)?)))
}

/// Each item once. Two marks are the same where they quote the same.
pub(super) fn distinct_items(items: &[Value]) -> Vec<Value> {
    let mut known = std::collections::HashSet::new();
    items.iter().filter(|item| known.insert(item.to_string())).cloned().collect()
}

/// An item by number; beyond the end it starts again.
pub(super) fn element(arguments: &Arguments<'_>) -> Answer {
    let list = arguments.list(0)?;
    let length = i64::try_from(list.len()).ok().filter(|length| *length > 0);
    let length = length.ok_or_else(|| arguments.fault(0, "is empty"))?;
    let index = usize::try_from(arguments.whole(1)?.rem_euclid(length)).ok();
    index.and_then(|index| list.get(index)).cloned().ok_or_else(|| arguments.fault(1, "is beyond the list"))
}

pub(super) fn flatten(arguments: &Arguments<'_>) -> Answer {
    fn collect(items: &[Value], all: &mut Vec<Value>) {
        for item in items {
            match item {
                Value::Array(items) => collect(items, all),
                other => all.push(other.clone()),
            }
        }
    }
    let mut all = vec![];
    collect(arguments.list(0)?, &mut all);
    Ok(Value::Array(all))
}

pub(super) fn keys(arguments: &Arguments<'_>) -> Answer {
    Ok(by_key(arguments.map(0)?).into_iter().map(|(key, _)| Value::from(key.as_str())).collect())
}

pub(super) fn values(arguments: &Arguments<'_>) -> Answer {
    Ok(by_key(arguments.map(0)?).into_iter().map(|(_, value)| value.clone()).collect())
}

pub(super) fn length(arguments: &Arguments<'_>) -> Answer {
    match arguments.value(0) {
        Value::Array(items) => Ok(items.len().into()),
        Value::Object(map) if as_resource(arguments.value(0)).is_none() => Ok(map.len().into()),
        Value::String(_) => Ok(arguments.text(0)?.chars().count().into()),
        _ => Err(arguments.wrong(0, "a list, a map or text")),
    }
}

pub(super) fn lookup(arguments: &Arguments<'_>) -> Answer {
    let (map, key) = (arguments.map(0)?, arguments.text(1)?);
    match map.get(&*key).or(arguments.given(2)) {
        Some(value) => Ok(value.clone()),
        None => Err(arguments.fault(1, &format!("is not in the map, and there is no default: `{key}`"))),
    }
}

/// Later maps win; null counts as an empty one.
pub(super) fn merge(arguments: &Arguments<'_>) -> Answer {
    let mut all = Map::new();
    for index in 0..arguments.rest(0).len() {
        if !arguments.value(index).is_null() {
            all.extend(arguments.map(index)?.iter().map(|(key, value)| (key.clone(), value.clone())));
        }
    }
    Ok(Value::Object(all))
}

/// The only item of a list, or null where there is none.
pub(super) fn one(arguments: &Arguments<'_>) -> Answer {
    match arguments.list(0)? {
        [] => Ok(Value::Null),
        [item] => Ok(item.clone()),
        items => Err(arguments.fault(0, &format!("must hold at most one item, and holds {}", items.len()))),
    }
}

/// `range(3)`, `range(1, 4)`, `range(1, 8, 2)`.
pub(super) fn range(arguments: &Arguments<'_>) -> Answer {
    let (start, limit) = match arguments.given(1) {
        Some(_) => (arguments.whole(0)?, arguments.whole(1)?),
        None => (0, arguments.whole(0)?),
    };
    let default = if limit < start { -1 } else { 1 };
    let step = if arguments.given(2).is_some() { arguments.whole(2)? } else { default };
    if step == 0 || (limit < start) != (step < 0) && limit != start {
        return Err(arguments.fault(2, "never reaches the limit"));
    }
    let mut all = vec![];
    let mut next = start;
    while if step > 0 { next < limit } else { next > limit } {
        if all.len() == LONGEST_RANGE {
            return Err(Fault::new(format!("`range` makes at most {LONGEST_RANGE} numbers")));
        }
        all.push(Value::from(next));
        let Some(further) = next.checked_add(step) else { break };
        next = further;
    }
    Ok(Value::Array(all))
}

pub(super) fn reverse(arguments: &Arguments<'_>) -> Answer {
    Ok(arguments.list(0)?.iter().rev().cloned().collect())
}

pub(super) fn setunion(arguments: &Arguments<'_>) -> Answer {
    let Value::Array(all) = concat(arguments)? else { return Ok(Value::Array(vec![])) };
    Ok(Value::Array(distinct_items(&all)))
}

pub(super) fn setintersection(arguments: &Arguments<'_>) -> Answer {
    let mut all = distinct_items(arguments.list(0)?);
    for index in 1..arguments.rest(0).len() {
        all = kept(all, arguments.list(index)?, true)?;
    }
    Ok(Value::Array(all))
}

pub(super) fn setsubtract(arguments: &Arguments<'_>) -> Answer {
    kept(distinct_items(arguments.list(0)?), arguments.list(1)?, false).map(Value::Array)
}

/// Those items that are in `other`, or those that are not.
fn kept(items: Vec<Value>, other: &[Value], inside: bool) -> Result<Vec<Value>, Fault> {
    let mut kept = vec![];
    for item in items {
        let mut found = false;
        for other in other {
            found = found || same(&item, other)?;
        }
        if found == inside {
            kept.push(item);
        }
    }
    Ok(kept)
}

/// Every combination of one item of each list, the last list turning fastest.
pub(super) fn setproduct(arguments: &Arguments<'_>) -> Answer {
    let lists = (0..arguments.rest(0).len()).map(|index| arguments.list(index)).collect::<Result<Vec<_>, _>>()?;
    if lists.len() < 2 {
        return Err(Fault::new("`setproduct` wants at least two lists"));
    }
    let many = lists.iter().try_fold(1_usize, |many, list| many.checked_mul(list.len()));
    if many.is_none_or(|many| many > LARGEST_PRODUCT) {
        return Err(Fault::new(format!("`setproduct` makes at most {LARGEST_PRODUCT} combinations")));
    }
    let mut all: Vec<Vec<Value>> = vec![vec![]];
    for list in lists {
        let longer = |short: Vec<Value>| list.iter().map(move |item| [&short[..], std::slice::from_ref(item)].concat());
        all = all.into_iter().flat_map(longer).collect();
    }
    Ok(all.into_iter().map(Value::Array).collect())
}

/// The items of `values` that stand where `keys` has one of `searchset`.
pub(super) fn matchkeys(arguments: &Arguments<'_>) -> Answer {
    let (values, keys, wanted) = (arguments.list(0)?, arguments.list(1)?, arguments.list(2)?);
    if values.len() != keys.len() {
        let message = format!("must have as many items as `values`, {}, and has {}", values.len(), keys.len());
        return Err(arguments.fault(1, &message));
    }
    arguments.scope.world.burn(keys.len().saturating_mul(wanted.len()) / 32)?;
    let mut matched = vec![];
    for (value, key) in values.iter().zip(keys) {
        for wanted in wanted {
            if same(key, wanted)? {
                matched.push(value.clone());
                break;
            }
        }
    }
    Ok(Value::Array(matched))
}

/// A map of lists of texts turned round: for each text, the keys whose lists hold it.
pub(super) fn transpose(arguments: &Arguments<'_>) -> Answer {
    arguments.known(0)?;
    let mut turned: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for (key, list) in arguments.map(0)? {
        let Value::Array(items) = list else { return Err(arguments.wrong(0, "a map of lists")) };
        for item in items {
            turned.entry(to_text(item)?).or_default().insert(key);
        }
    }
    let entries = turned.into_iter().map(|(text, keys)| (text, keys.into_iter().map(Value::from).collect()));
    Ok(Value::Object(entries.collect()))
}

pub(super) fn slice(arguments: &Arguments<'_>) -> Answer {
    let (list, start, end) = (arguments.list(0)?, arguments.count(1)?, arguments.count(2)?);
    let wrong = || {
        let message = format!("must be from `start` to the length of the list, {}, and is {end}", list.len());
        arguments.fault(2, &message)
    };
    list.get(start..end).map(|items| Value::Array(items.to_vec())).ok_or_else(wrong)
}

pub(super) fn sort(arguments: &Arguments<'_>) -> Answer {
    arguments.known(0)?;
    let mut texts = arguments.texts(0)?;
    texts.sort();
    Ok(Value::from(texts))
}

pub(super) fn zipmap(arguments: &Arguments<'_>) -> Answer {
    let (keys, values) = (arguments.list(0)?, arguments.list(1)?);
    if keys.len() != values.len() {
        let message = format!("must have as many items as `keys`, {}, and has {}", keys.len(), values.len());
        return Err(arguments.fault(1, &message));
    }
    let entry = |(key, value): (&Value, &Value)| match mark_in(key) {
        Some(quote) => Err(arguments.fault(0, &not_known(&quote))),
        None => Ok((to_text(key)?, value.clone())),
    };
    Ok(Value::Object(keys.iter().zip(values).map(entry).collect::<Result<_, _>>()?))
}
