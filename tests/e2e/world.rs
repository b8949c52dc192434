//! The dump of all resources after the first apply of a kind's case, in a form that is the same each time.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    path::Path,
};

use regex_lite::Regex;
use serde_json::Value;

use crate::harness::{Account, Result, golden};

/// The longest line: longer values are broken into several.
const WIDTH: usize = 120;

/// Compares all details of the resources of `kind`, and the names of all others, with the case's `world.txt`.
pub(crate) fn is_as_written(account: &Account, folder: &Path, kind: &str, before: &Before) -> Result {
    let dump = account.dump()?;
    let is_new = |resource: &&Value| !before.contains(&(text(resource, "type"), text(resource, "id")));
    let mask = Mask::new(account, &dump);
    let mut shown: Vec<_> = dump.iter().filter(is_new).map(|resource| mask.show(resource, kind)).collect();
    shown.sort();
    golden(&folder.join("world.txt"), &shown.concat())
}

/// The type and id of resources that existed before.
pub(crate) type Before = BTreeSet<(String, String)>;

/// Values that differ each time, and their placeholders.
const RANDOM: &[(&str, &str)] = &[
    (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(\+00:00|Z)?", "<time>"),
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(-[A-Za-z0-9]{6})?", "<uuid>"),
    (r"\b([a-z]+-)[0-9a-f]{8,17}\b", "$1<id>"),
    // The number in a load balancer's DNS name, which may be short.
    (r"\b([a-z]+-)\d+(\.[a-z0-9-]+\.elb\.amazonaws\.com)\b", "$1<id>$2"),
    (r"\b[0-9a-f]{16}\b", "<id>"),
    // The second part of an endpoint's DNS names differs each time.
    (r">-[0-9a-f]{8}\b", ">-<id>"),
    (r"\b127\.\d+\.\d+\.\d+\b", "<public ip>"),
    // Ids of IAM, and of deployments.
    (r"\bA[A-Z0-9]{20}\b", "<id>"),
    (r"\becs-svc/\d+\b", "ecs-svc/<id>"),
    // Ids of RDS, and parts of its names.
    (r"\bdb-[0-9A-Z]{26}\b", "db-<id>"),
    (r"\.c[0-9a-f]{11}\.", ".<id>."),
    // Versions of MSK's clusters, and parts of its names.
    (r"\bK[0-9A-F]{13}\b", "<version>"),
    (r"\.[0-9a-f]{6}\.c\d+\.", ".<id>."),
];

/// Placeholders for values that differ each time.
struct Mask {
    account: String,
    /// Ids that differ each time, with the addresses of their resources; the longest first, because an ARN may begin
    /// with another.
    ids: Vec<(String, String)>,
    rest: Vec<(Regex, &'static str)>,
}

impl Mask {
    fn new(account: &Account, dump: &[Value]) -> Self {
        let rest: Vec<_> = RANDOM.iter().map(|(it, by)| (Regex::new(it).expect("it is one"), *by)).collect();
        let is_random = |id: &String| rest.iter().any(|(regex, _)| regex.is_match(id));
        let ids = dump.iter().filter_map(|it| Some((text(it, "id"), address(it)?)));
        let ids: BTreeMap<_, _> = ids.filter(|(id, _)| is_random(id)).collect();
        let mut ids: Vec<_> = ids.into_iter().collect();
        ids.sort_by_key(|(id, _)| std::cmp::Reverse(id.len()));
        Self { account: account.id.clone(), ids, rest }
    }

    fn show(&self, resource: &Value, kind: &str) -> String {
        let id = self.cover(&text(resource, "id"));
        let mut shown = format!("{} {id}\n", text(resource, "type"));
        if resource["type"] == kind {
            let attributes = self.plain(&resource["attributes"]).unwrap_or_default();
            for (name, value) in attributes.as_object().into_iter().flatten() {
                Self::write(&mut shown, 1, name, value);
            }
            Self::write(&mut shown, 1, "tags", &self.plain(&resource["tags"]).unwrap_or_default());
        }
        shown
    }

    fn write(shown: &mut String, depth: usize, name: &str, value: &Value) {
        let indent = "  ".repeat(depth);
        let line = value.to_string();
        if indent.len() + name.len() + line.len() + 2 <= WIDTH || !(value.is_object() || value.is_array()) {
            return writeln!(shown, "{indent}{name}: {line}").expect("memory takes it");
        }
        writeln!(shown, "{indent}{name}:").expect("memory takes it");
        for (name, value) in value.as_object().into_iter().flatten() {
            Self::write(shown, depth + 1, name, value);
        }
        for value in value.as_array().into_iter().flatten() {
            Self::write(shown, depth + 1, "-", value);
        }
    }

    /// A value without empty members, which AWS may return or leave out, and with placeholders for values that differ
    /// each time. Lists with such placeholders are sorted. The id of an instance profile looks like a name, and is left
    /// out.
    fn plain(&self, value: &Value) -> Option<Value> {
        match value {
            Value::Null => None,
            // A document in a text.
            Value::String(text) if text.starts_with('{') => {
                let document = serde_json::from_str(text).ok();
                document.map_or_else(|| Some(Value::String(self.cover(text))), |document| self.plain(&document))
            }
            Value::String(text) => (!text.is_empty()).then(|| Value::String(self.cover(text))),
            Value::Array(items) => {
                let mut items: Vec<_> = items.iter().filter_map(|item| self.plain(item)).collect();
                if items.iter().all(|item| item.to_string().contains('<')) {
                    items.sort_by_key(Value::to_string);
                }
                (!items.is_empty()).then_some(Value::Array(items))
            }
            Value::Object(members) => {
                let members = members.iter().filter(|(name, _)| *name != "InstanceProfileId");
                let members = members.filter_map(|(name, value)| Some((name.clone(), self.plain(value)?)));
                let members: serde_json::Map<_, _> = members.collect();
                (!members.is_empty()).then_some(Value::Object(members))
            }
            // Milliseconds since 1970.
            Value::Number(number) if number.as_u64().is_some_and(|it| it > 1_000_000_000_000) => Some("<time>".into()),
            _ => Some(value.clone()),
        }
    }

    fn cover(&self, text: &str) -> String {
        let known = |text: String, (id, address): &(String, String)| text.replace(id.as_str(), &format!("<{address}>"));
        let text = self.ids.iter().fold(text.to_owned(), known).replace(&self.account, "<account>");
        let replaced = |text: String, (regex, by): &(Regex, &str)| regex.replace_all(&text, *by).into_owned();
        self.rest.iter().fold(text, replaced)
    }
}

fn text(resource: &Value, key: &str) -> String {
    resource[key].as_str().unwrap_or_default().to_owned()
}

fn address(resource: &Value) -> Option<String> {
    Some(resource["tags"]["bullstra:address"].as_str()?.to_owned())
}
