//! Resources as they are.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use up_core::{Address, Status};

use super::{
    shape::Shape,
    style::{ADDED, CHANGED, QUIET, REMOVED, STRONG, paint},
    text::{count, safe},
    value::{block, name, set},
};
use crate::commands::show::Live;

/// All of them, a line each.
pub(crate) fn live_list(resources: &[Live], absent: &BTreeSet<Address>) -> String {
    let width = |texts: Vec<usize>| texts.into_iter().max().unwrap_or_default();
    let addresses = resources.iter().map(|live| &live.address).chain(absent);
    let first = width(addresses.map(|address| address.to_string().chars().count()).collect());
    let second = width(resources.iter().map(|live| safe(&live.id).chars().count()).collect());
    let there = resources.iter().map(|live| {
        let undeclared = if live.declared { String::new() } else { paint(CHANGED, ", no longer declared") };
        let address = live.address.to_string();
        format!("{address:first$}  {:second$}  {}{undeclared}", safe(&live.id), status(&live.status))
    });
    let absent_lines = absent.iter().map(|address| {
        let address = address.to_string();
        format!("{address:first$}  {:second$}  {}", "", paint(REMOVED, "not there"))
    });
    let mut lines: Vec<_> = there.chain(absent_lines).collect();
    lines.sort();
    lines.push(paint(QUIET, format_args!("{} in AWS, {} not there", count(resources.len(), "resource"), absent.len())));
    lines.join("\n")
}

/// All about one.
pub(crate) fn live(live: &Live) -> String {
    let Live { address, id, status: at, fields, attributes, tags, .. } = live;
    let texts = |texts: &std::collections::BTreeMap<String, String>| {
        texts.iter().map(|(key, text)| (key.clone(), Value::from(text.clone()))).collect::<Map<_, _>>()
    };
    let mut lines = vec![format!("{} {}", paint(STRONG, address), paint(QUIET, format_args!("({})", safe(id))))];
    lines.push(format!("  status: {}", status(at)));
    let none = Map::new();
    let parts =
        [("fields", fields.as_object().unwrap_or(&none)), ("attributes", &texts(attributes)), ("tags", &texts(tags))];
    for (title, entries) in parts {
        lines.extend(set(entries).next().map(|_| format!("  {}", paint(STRONG, title))));
        let entries = set(entries).flat_map(|(key, value)| block(&name(key), value, Shape::new(&Value::Null)));
        lines.extend(entries.map(|line| format!("    {line}")));
    }
    lines.join("\n")
}

fn status(status: &Status) -> String {
    match status {
        Status::Ready => paint(ADDED, "ready"),
        Status::Pending(word) => paint(CHANGED, safe(word)),
        Status::Deleting(word) => paint(REMOVED, format_args!("going away: {}", safe(word))),
        Status::Failed(why) => paint(REMOVED.bold(), format_args!("failed: {}", safe(why))),
    }
}

#[cfg(test)]
mod tests {
    use anstream::adapter::strip_str;
    use serde_json::json;
    use snapbox::{assert_data_eq, str};

    use super::*;

    fn resource(address: &str, id: &str, status: Status, declared: bool) -> Live {
        let attributes = [("arn".to_owned(), format!("arn:aws:x:::{id}"))].into();
        let fields = json!({ "cidr_block": "10.0.0.0/16", "vpc": { "$ref": "ec2.vpc.main" }, "none": null });
        let address = address.parse().unwrap();
        Live { address, declared, id: id.into(), status, fields, attributes, tags: [].into() }
    }

    #[test]
    fn a_list_lines_up() {
        let resources = [
            resource("ec2.vpc.main", "vpc-1", Status::Ready, true),
            resource("network/ec2.subnet.private:a", "subnet-12", Status::Pending("pending".into()), true),
            resource("ec2.vpc.old", "vpc-2", Status::Ready, false),
        ];
        let absent = ["ec2.eip.main".parse().unwrap()].into();
        assert_data_eq!(
            strip_str(&live_list(&resources, &absent)).to_string(),
            str![[r#"
ec2.eip.main                             not there
ec2.vpc.main                  vpc-1      ready
ec2.vpc.old                   vpc-2      ready, no longer declared
network/ec2.subnet.private:a  subnet-12  pending
3 resources in AWS, 1 not there
"#]]
        );
    }

    #[test]
    fn one_shows_all_that_is_known() {
        let one = resource("ec2.subnet.a", "subnet-1", Status::Failed("no room".into()), true);
        assert_data_eq!(
            strip_str(&live(&one)).to_string(),
            str![[r#"
ec2.subnet.a (subnet-1)
  status: failed: no room
  fields
    cidr_block: "10.0.0.0/16"
    vpc: ec2.vpc.main
  attributes
    arn: "arn:aws:x:::subnet-1"
"#]]
        );
    }
}
