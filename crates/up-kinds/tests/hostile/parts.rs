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
