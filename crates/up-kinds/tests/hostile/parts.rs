//! The parts of an answer, and answers with one of them changed.

use serde_json::Value;
use xmlparser::{ElementEnd, Token, Tokenizer};

/// A part of an answer: an element of XML or a member of JSON, by its place.
#[derive(Debug, Clone)]
pub(crate) struct AnswerPart {
    /// The names of what it is in, and its own, outermost first.
    pub(crate) path: Vec<String>,
    place: PartLocation,
}

#[derive(Debug, Clone)]
enum PartLocation {
    /// All of the element, and what is in it.
    Xml { whole: (usize, usize), inner: (usize, usize) },
    /// A JSON pointer.
    Json(String),
}

/// What is done to a part.
#[derive(Debug, Clone)]
pub(crate) enum PartChange {
    Remove,
    Empty,
    Repeat,
    /// Text, a number or a word of JSON in its place.
    Say(String),
}

/// All parts of an answer. None where it is neither XML nor JSON.
pub(crate) fn parts(body: &str) -> Vec<AnswerPart> {
    if body.trim_start().starts_with('<') {
        return xml(body);
    }
    let mut found = vec![];
    if let Ok(value) = serde_json::from_str(body) {
        json(&value, &mut vec![], String::new(), &mut found);
    }
    found
}

fn xml(body: &str) -> Vec<AnswerPart> {
    let (mut open, mut found) = (Vec::<(String, usize, usize)>::new(), vec![]);
    for token in Tokenizer::from(body).map_while(Result::ok) {
        let path = |open: &[(String, usize, usize)]| open.iter().map(|(name, ..)| name.clone()).collect();
        match token {
            Token::ElementStart { local, span, .. } => open.push((local.to_string(), span.start(), span.end())),
            Token::ElementEnd { end: ElementEnd::Open, span } => {
                if let Some((_, _, inner)) = open.last_mut() {
                    *inner = span.end();
                }
            }
            Token::ElementEnd { end, span } => {
                let path = path(&open);
                let Some((_, start, inner)) = open.pop() else { break };
                let inner =
                    if matches!(end, ElementEnd::Empty) { (span.start(), span.start()) } else { (inner, span.start()) };
                found.push(AnswerPart { path, place: PartLocation::Xml { whole: (start, span.end()), inner } });
            }
            _ => {}
        }
    }
    found
}

fn json(value: &Value, path: &mut Vec<String>, pointer: String, found: &mut Vec<AnswerPart>) {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(place, item)| (place.to_string(), item)).collect(),
        _ => vec![],
    };
    for (name, child) in children {
        let pointer = format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
        path.push(name);
        found.push(AnswerPart { path: path.clone(), place: PartLocation::Json(pointer.clone()) });
        json(child, path, pointer, found);
        path.pop();
    }
}

/// The answer with this part changed.
pub(crate) fn changed(body: &str, part: &AnswerPart, change: &PartChange) -> String {
    match &part.place {
        PartLocation::Xml { whole, inner } => {
            let whole_text = &body[whole.0..whole.1];
            let (range, text) = match change {
                PartChange::Remove => (whole, String::new()),
                PartChange::Empty => (inner, String::new()),
                PartChange::Repeat => (whole, whole_text.repeat(2)),
                PartChange::Say(text) => (inner, text.replace('&', "&amp;").replace('<', "&lt;")),
            };
            format!("{}{text}{}", &body[..range.0], &body[range.1..])
        }
        PartLocation::Json(pointer) => {
            let mut value: Value = serde_json::from_str(body).expect("parts are of JSON");
            let (parent, name) = pointer.rsplit_once('/').expect("a pointer begins with a slash");
            let name = name.replace("~1", "/").replace("~0", "~");
            match (value.pointer_mut(parent).expect("it is there"), change) {
                (Value::Object(map), PartChange::Remove) => drop(map.remove(&name)),
                (Value::Array(items), PartChange::Remove) => drop(items.remove(name.parse().expect("a place"))),
                (Value::Array(items), PartChange::Repeat) => {
                    let place: usize = name.parse().expect("a place");
                    items.insert(place, items[place].clone());
                }
                (_, change) => {
                    let own = value.pointer_mut(pointer).expect("it is there");
                    *own = match (&*own, change) {
                        (Value::Array(_), PartChange::Empty) => Value::Array(vec![]),
                        (Value::Object(_), PartChange::Empty) => Value::Object(serde_json::Map::new()),
                        (_, PartChange::Say(text)) => {
                            serde_json::from_str(text).unwrap_or_else(|_| text.as_str().into())
                        }
                        _ => Value::Null,
                    };
                }
            }
            value.to_string()
        }
    }
}

/// True for a part at this path: the place of an item in a JSON list may be any.
pub(crate) fn is_at(part: &AnswerPart, wire: &[String]) -> bool {
    let is_place = |name: &String| name.parse::<usize>().is_ok();
    part.path.len() == wire.len()
        && part.path.iter().zip(wire).all(|(one, other)| one == other || is_place(one) && is_place(other))
}

/// The answers with a member that the recorded one lacks, one for each place where it may be. `example` has the members
/// that lead there, without the elements that every XML answer is in.
pub(crate) fn added(body: &str, wire: &[String], example: &Value) -> Vec<String> {
    let pointer = |names: &[String]| names.iter().map(|name| format!("/{name}")).collect::<String>();
    let Some(roots) = (0..wire.len()).find(|roots| example.pointer(&pointer(&wire[*roots..])).is_some()) else {
        return vec![];
    };
    let parts = parts(body);
    // Of a resource that was not recorded nothing is made up: it begins with an item of the first list.
    for known in (roots + 2..wire.len()).rev() {
        let holders: Vec<_> = parts.iter().filter(|part| is_at(part, &wire[..known])).collect();
        if let (false, Some(inside)) = (holders.is_empty(), example.pointer(&pointer(&wire[roots..=known]))) {
            return holders.into_iter().map(|holder| with_inside(body, holder, &wire[known], inside)).collect();
        }
    }
    vec![]
}

/// The answer with one more member in a part.
fn with_inside(body: &str, holder: &AnswerPart, name: &str, inside: &Value) -> String {
    match &holder.place {
        PartLocation::Xml { whole, inner } => {
            let (text, inside) = (&body[whole.0..whole.1], element(name, inside));
            let (range, text) = match text.strip_suffix("/>") {
                Some(start) => (whole, format!("{start}>{inside}</{}>", holder.path[holder.path.len() - 1])),
                None => (&(inner.0, inner.0), inside),
            };
            format!("{}{text}{}", &body[..range.0], &body[range.1..])
        }
        PartLocation::Json(pointer) => {
            let mut value: Value = serde_json::from_str(body).expect("parts are of JSON");
            match value.pointer_mut(pointer).expect("it is there") {
                Value::Array(items) => items.push(inside.clone()),
                other => other[name] = inside.clone(),
            }
            value.to_string()
        }
    }
}

fn element(name: &str, value: &Value) -> String {
    let inner = match value {
        Value::Object(members) => members.iter().map(|(name, member)| element(name, member)).collect(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    format!("<{name}>{inner}</{name}>")
}

#[test]
fn a_member_is_added_where_an_answer_lacks_it() {
    let path = |text: &str| text.split('/').map(str::to_owned).collect::<Vec<_>>();
    let example = serde_json::json!({ "set": { "item": { "id": "x", "more": { "item": { "state": "on" } } } } });
    let wire = path("Answer/set/item/more/item/state");
    let more = "<more><item><state>on</state></item></more>";
    let before = "<Answer><set><item><id>1</id><more/></item><item><id>2</id></item></set></Answer>";
    assert_eq!(added(before, &wire, &example), [before.replace("<more/>", more)]);
    let before = "<Answer><set><item><id>2</id></item></set></Answer>";
    assert_eq!(added(before, &wire, &example), [before.replace("<id>", &format!("{more}<id>"))]);
    assert_eq!(added("<Answer><set/></Answer>", &wire, &example), Vec::<String>::new());
    let example = serde_json::json!({ "all": [{ "more": [{ "state": "on" }] }] });
    let before = r#"{"all":[{"more":[]},{}]}"#;
    assert_eq!(added(before, &path("all/0/more/0/state"), &example), [r#"{"all":[{"more":[{"state":"on"}]},{}]}"#]);
}
