//! Functions on lists, sets and maps. A set is a list without duplicates.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::Arguments;
use crate::value::{EvalError, EvalResult, as_resource, by_key, not_known_yet, placeholder_in, same, to_bool, to_text};

/// The most combinations that `setproduct` returns.
const LARGEST_PRODUCT: usize = 65_536;
/// The longest list that `range` returns, as in Terraform.
const LONGEST_RANGE: usize = 1024;

pub(super) fn alltrue(arguments: &Arguments<'_>) -> EvalResult {
    Ok(Value::Bool(bools(arguments)?.into_iter().all(|value| value)))
}

pub(super) fn anytrue(arguments: &Arguments<'_>) -> EvalResult {
    Ok(Value::Bool(bools(arguments)?.into_iter().any(|value| value)))
}

fn bools(arguments: &Arguments<'_>) -> Result<Vec<bool>, EvalError> {
    arguments.known(0)?;
    let bool = |item: &Value| to_bool(item).ok_or_else(|| arguments.wrong(0, "a list of bools"));
    arguments.list(0)?.iter().map(bool).collect()
}

pub(super) fn chunklist(arguments: &Arguments<'_>) -> EvalResult {
    let list = arguments.list(0)?;
    match arguments.count(1)? {
        0 => Ok(Value::Array(vec![Value::Array(list.to_vec())])),
        size => Ok(list.chunks(size).map(|chunk| Value::Array(chunk.to_vec())).collect()),
    }
}

/// The first argument that is not null or an empty string. A placeholder is not empty.
pub(super) fn coalesce(arguments: &Arguments<'_>) -> EvalResult {
    let found = arguments.rest(0).iter().find(|value| !value.is_null() && value.as_str() != Some(""));
    found.cloned().ok_or_else(|| EvalError::new("`coalesce`: all arguments are null or empty"))
}

pub(super) fn coalescelist(arguments: &Arguments<'_>) -> EvalResult {
    for index in 0..arguments.rest(0).len() {
        if !arguments.value(index).is_null() && !arguments.list(index)?.is_empty() {
            return Ok(arguments.value(index).clone());
        }
    }
    Err(EvalError::new("`coalescelist`: all arguments are empty"))
}

pub(super) fn compact(arguments: &Arguments<'_>) -> EvalResult {
    let full = arguments.list(0)?.iter().filter(|item| !item.is_null() && item.as_str() != Some(""));
    Ok(full.cloned().collect())
}

pub(super) fn concat(arguments: &Arguments<'_>) -> EvalResult {
    let mut all = vec![];
    for index in 0..arguments.rest(0).len() {
        all.extend_from_slice(arguments.list(index)?);
    }
    Ok(Value::Array(all))
}

pub(super) fn contains(arguments: &Arguments<'_>) -> EvalResult {
    Ok(Value::Bool(position(arguments)?.is_some()))
}

pub(super) fn index(arguments: &Arguments<'_>) -> EvalResult {
    let found = position(arguments)?.map(Value::from);
    found.ok_or_else(|| arguments.invalid(1, "is not in the list"))
}

fn position(arguments: &Arguments<'_>) -> Result<Option<usize>, EvalError> {
    for (index, item) in arguments.list(0)?.iter().enumerate() {
        if same(item, arguments.value(1))? {
            return Ok(Some(index));
        }
    }
    Ok(None)
}

pub(super) fn distinct(arguments: &Arguments<'_>) -> EvalResult {
    Ok(Value::Array(distinct_items(arguments.list(0)?)))
}

/// The items without duplicates. Placeholders of the same attribute are equal.
pub(super) fn distinct_items(items: &[Value]) -> Vec<Value> {
    let mut known = std::collections::HashSet::new();
    items.iter().filter(|item| known.insert(item.to_string())).cloned().collect()
}

/// An item by index, which wraps around.
pub(super) fn element(arguments: &Arguments<'_>) -> EvalResult {
    let list = arguments.list(0)?;
    let length = i64::try_from(list.len()).ok().filter(|length| *length > 0);
    let length = length.ok_or_else(|| arguments.invalid(0, "is empty"))?;
    let index = usize::try_from(arguments.whole(1)?.rem_euclid(length)).ok();
    index.and_then(|index| list.get(index)).cloned().ok_or_else(|| arguments.invalid(1, "is out of range"))
}

pub(super) fn flatten(arguments: &Arguments<'_>) -> EvalResult {
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

pub(super) fn keys(arguments: &Arguments<'_>) -> EvalResult {
    Ok(by_key(arguments.map(0)?).into_iter().map(|(key, _)| Value::from(key.as_str())).collect())
}

pub(super) fn values(arguments: &Arguments<'_>) -> EvalResult {
    Ok(by_key(arguments.map(0)?).into_iter().map(|(_, value)| value.clone()).collect())
}

pub(super) fn length(arguments: &Arguments<'_>) -> EvalResult {
    match arguments.value(0) {
        Value::Array(items) => Ok(items.len().into()),
        Value::Object(map) if as_resource(arguments.value(0)).is_none() => Ok(map.len().into()),
        Value::String(_) => Ok(arguments.text(0)?.chars().count().into()),
        _ => Err(arguments.wrong(0, "a list, a map or a string")),
    }
}

pub(super) fn lookup(arguments: &Arguments<'_>) -> EvalResult {
    let (map, key) = (arguments.map(0)?, arguments.text(1)?);
    match map.get(&*key).or(arguments.given(2)) {
        Some(value) => Ok(value.clone()),
        None => Err(arguments.invalid(1, &format!("is not in the map, and no default is given: `{key}`"))),
    }
}

/// Later maps override earlier ones. Null counts as an empty map.
pub(super) fn merge(arguments: &Arguments<'_>) -> EvalResult {
    let mut all = Map::new();
    for index in 0..arguments.rest(0).len() {
        if !arguments.value(index).is_null() {
            all.extend(arguments.map(index)?.iter().map(|(key, value)| (key.clone(), value.clone())));
        }
    }
    Ok(Value::Object(all))
}

/// The only item of a list, or null if it is empty.
pub(super) fn one(arguments: &Arguments<'_>) -> EvalResult {
    match arguments.list(0)? {
        [] => Ok(Value::Null),
        [item] => Ok(item.clone()),
        items => Err(arguments.invalid(0, &format!("must have at most one item, and has {}", items.len()))),
    }
}

/// `range(3)`, `range(1, 4)`, `range(1, 8, 2)`.
pub(super) fn range(arguments: &Arguments<'_>) -> EvalResult {
    let (start, limit) = match arguments.given(1) {
        Some(_) => (arguments.whole(0)?, arguments.whole(1)?),
        None => (0, arguments.whole(0)?),
    };
    let default = if limit < start { -1 } else { 1 };
    let step = if arguments.given(2).is_some() { arguments.whole(2)? } else { default };
    if step == 0 || (limit < start) != (step < 0) && limit != start {
        return Err(arguments.invalid(2, "must lead from the start to the limit"));
    }
    let mut all = vec![];
    let mut next = start;
    while if step > 0 { next < limit } else { next > limit } {
        if all.len() == LONGEST_RANGE {
            return Err(EvalError::new(format!("`range` returns at most {LONGEST_RANGE} numbers")));
        }
        all.push(Value::from(next));
        let Some(further) = next.checked_add(step) else { break };
        next = further;
    }
    Ok(Value::Array(all))
}

pub(super) fn reverse(arguments: &Arguments<'_>) -> EvalResult {
    Ok(arguments.list(0)?.iter().rev().cloned().collect())
}

pub(super) fn setunion(arguments: &Arguments<'_>) -> EvalResult {
    let Value::Array(all) = concat(arguments)? else { return Ok(Value::Array(vec![])) };
    Ok(Value::Array(distinct_items(&all)))
}

pub(super) fn setintersection(arguments: &Arguments<'_>) -> EvalResult {
    let mut all = distinct_items(arguments.list(0)?);
    for index in 1..arguments.rest(0).len() {
        all = filtered(all, arguments.list(index)?, true)?;
    }
    Ok(Value::Array(all))
}

pub(super) fn setsubtract(arguments: &Arguments<'_>) -> EvalResult {
    filtered(distinct_items(arguments.list(0)?), arguments.list(1)?, false).map(Value::Array)
}

/// The items that are in `other`, or those that are not.
fn filtered(items: Vec<Value>, other: &[Value], inside: bool) -> Result<Vec<Value>, EvalError> {
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

/// All combinations of one item of each list. The last list varies fastest.
pub(super) fn setproduct(arguments: &Arguments<'_>) -> EvalResult {
    let lists = (0..arguments.rest(0).len()).map(|index| arguments.list(index)).collect::<Result<Vec<_>, _>>()?;
    if lists.len() < 2 {
        return Err(EvalError::new("`setproduct` takes at least two lists"));
    }
    let many = lists.iter().try_fold(1_usize, |many, list| many.checked_mul(list.len()));
    if many.is_none_or(|many| many > LARGEST_PRODUCT) {
        return Err(EvalError::new(format!("`setproduct` returns at most {LARGEST_PRODUCT} combinations")));
    }
    let mut all: Vec<Vec<Value>> = vec![vec![]];
    for list in lists {
        let longer = |short: Vec<Value>| list.iter().map(move |item| [&short[..], std::slice::from_ref(item)].concat());
        all = all.into_iter().flat_map(longer).collect();
    }
    Ok(all.into_iter().map(Value::Array).collect())
}

/// The items of `values` at the positions where `keys` has one of `searchset`.
pub(super) fn matchkeys(arguments: &Arguments<'_>) -> EvalResult {
    let (values, keys, wanted) = (arguments.list(0)?, arguments.list(1)?, arguments.list(2)?);
    if values.len() != keys.len() {
        let message = format!("must have as many items as `values` ({}), and has {}", values.len(), keys.len());
        return Err(arguments.invalid(1, &message));
    }
    arguments.scope.loader.spend(keys.len().saturating_mul(wanted.len()) / 32)?;
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

/// Swaps keys and values of a map of string lists.
pub(super) fn transpose(arguments: &Arguments<'_>) -> EvalResult {
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

pub(super) fn slice(arguments: &Arguments<'_>) -> EvalResult {
    let (list, start, end) = (arguments.list(0)?, arguments.count(1)?, arguments.count(2)?);
    let wrong = || {
        let message = format!("must be between `start` and the length of the list ({}), and is {end}", list.len());
        arguments.invalid(2, &message)
    };
    list.get(start..end).map(|items| Value::Array(items.to_vec())).ok_or_else(wrong)
}

pub(super) fn sort(arguments: &Arguments<'_>) -> EvalResult {
    arguments.known(0)?;
    let mut texts = arguments.texts(0)?;
    texts.sort();
    Ok(Value::from(texts))
}

pub(super) fn zipmap(arguments: &Arguments<'_>) -> EvalResult {
    let (keys, values) = (arguments.list(0)?, arguments.list(1)?);
    if keys.len() != values.len() {
        let message = format!("must have as many items as `keys` ({}), and has {}", keys.len(), values.len());
        return Err(arguments.invalid(1, &message));
    }
    let entry = |(key, value): (&Value, &Value)| match placeholder_in(key) {
        Some(quote) => Err(arguments.invalid(0, &not_known_yet(&quote))),
        None => Ok((to_text(key)?, value.clone())),
    };
    Ok(Value::Object(keys.iter().zip(values).map(entry).collect::<Result<_, _>>()?))
}
