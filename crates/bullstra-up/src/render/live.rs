//! Live resources, as AWS shows them.

use std::collections::BTreeSet;

use anstyle::Style;
use serde_json::{Map, Value};
use up_core::{Address, Status, schema::Shape};
use up_engine::{Level, LiveResource};

use super::{
    notices::notices,
    style::{ADDED, CHANGED, QUIET, REMOVED, STRONG, message, paint},
    text::{count, cut, safe},
    value::{block, name, set},
};

/// The length to which a status is cut in the list.
const LONGEST_STATUS: usize = 48;

/// The address, the style of the status, the status, and the id.
type LiveRow = (String, Style, String, String);

/// All resources, one line each.
pub(crate) fn live_list(resources: &[LiveResource], absent: &BTreeSet<Address>) -> String {
    let there = resources.iter().map(|live| {
        let undeclared = if live.declared { "" } else { ", no longer declared" };
        let (style, word) = status(&live.status);
        // The remedy is shown in the details of a single resource.
        let word = match &live.status {
            Status::Impaired(trouble) => format!("impaired: {}", safe(&trouble.why)),
            _ => word,
        };
        (live.address.to_string(), style, cut(&format!("{word}{undeclared}"), LONGEST_STATUS), safe(&live.id))
    });
    let absent_rows = absent.iter().map(|address| (address.to_string(), REMOVED, "missing".to_owned(), String::new()));
    let mut rows: Vec<_> = there.chain(absent_rows).collect();
    rows.sort_by(|one, other| (&one.0, &one.3).cmp(&(&other.0, &other.3)));
    let width =
        |text: fn(&LiveRow) -> &String| rows.iter().map(|row| text(row).chars().count()).max().unwrap_or_default();
    let (first, second) = (width(|row| &row.0), width(|row| &row.2));
    let lines = rows.iter().map(|(address, style, status, id)| {
        let room = second - status.chars().count();
        format!("{address:first$}  {}{:room$}  {id}", paint(*style, status), "").trim_end().to_owned()
    });
    let mut lines: Vec<_> = lines.collect();
    let notes = resources.iter().flat_map(|live| live.notes.iter().map(|note| (&live.address, note.as_str())));
    lines.extend(notices(notes));
    lines.push(paint(QUIET, format_args!("{} in AWS, {} missing", count(resources.len(), "resource"), absent.len())));
    lines.join("\n")
}

/// The details of a resource.
pub(crate) fn live(live: &LiveResource) -> String {
    let LiveResource { address, id, status: at, notes, fields, attributes, tags, .. } = live;
    let texts = |texts: &std::collections::BTreeMap<String, String>| {
        texts.iter().map(|(key, text)| (key.clone(), Value::from(text.clone()))).collect::<Map<_, _>>()
    };
    let mut lines = vec![format!("{} {}", paint(STRONG, address), paint(QUIET, format_args!("({})", safe(id))))];
    let (style, word) = status(at);
    lines.push(format!("  status: {}", paint(style, word)));
    lines.extend(notes.iter().map(|note| format!("  {}", message(Level::Note, &safe(note)))));
    let none = Map::new();
    let parts =
        [("fields", fields.as_object().unwrap_or(&none)), ("attributes", &texts(attributes)), ("tags", &texts(tags))];
    for (title, entries) in parts {
        lines.extend(set(entries).next().map(|_| format!("  {}", paint(STRONG, title))));
        let entries = set(entries).flat_map(|(key, value)| block(&name(key), value, Shape::default()));
        lines.extend(entries.map(|line| format!("    {line}")));
    }
    lines.join("\n")
}

fn status(status: &Status) -> (Style, String) {
    match status {
        Status::Ready => (ADDED, "ready".to_owned()),
        Status::Pending(word) => (CHANGED, safe(word)),
        Status::Deleting(word) => (REMOVED, format!("being deleted: {}", safe(word))),
        Status::Impaired(trouble) => (REMOVED, format!("impaired: {}; {}", safe(&trouble.why), safe(&trouble.remedy))),
        Status::Failed(why) => (REMOVED, format!("failed: {}", safe(why))),
    }
}

#[cfg(test)]
mod tests {
    use anstream::adapter::strip_str;
    use serde_json::json;
    use snapbox::{assert_data_eq, str};
    use up_core::Impairment;

    use super::*;

    fn resource(address: &str, id: &str, status: Status, declared: bool) -> LiveResource {
        let attributes = [("arn".to_owned(), format!("arn:aws:x:::{id}"))].into();
        let fields = json!({ "cidr_block": "10.0.0.0/16", "vpc": { "$ref": "ec2.vpc.main" }, "none": null });
        let address = address.parse().unwrap();
        LiveResource { address, declared, id: id.into(), status, notes: vec![], fields, attributes, tags: [].into() }
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
ec2.eip.main                  missing
ec2.vpc.main                  ready                      vpc-1
ec2.vpc.old                   ready, no longer declared  vpc-2
network/ec2.subnet.private:a  pending                    subnet-12
3 resources in AWS, 1 missing
"#]]
        );
    }

    #[test]
    fn a_list_says_what_is_wrong_and_what_to_know() {
        let storage = Impairment::explained("storage-full", "raise `allocated_storage`");
        let note = "`max_connections` waits for a reboot";
        let resources = [
            LiveResource { notes: vec![note.into()], ..resource("rds.instance.a", "a", Status::Ready, true) },
            LiveResource { notes: vec![note.into()], ..resource("rds.instance.b", "b", storage, true) },
        ];
        assert_data_eq!(
            strip_str(&live_list(&resources, &[].into())).to_string(),
            str![[r#"
rds.instance.a  ready                   a
rds.instance.b  impaired: storage-full  b
note: 2 resources: `max_connections` waits for a reboot
        rds.instance.a
        rds.instance.b
2 resources in AWS, 0 missing
"#]]
        );
        assert_data_eq!(
            strip_str(&live(&resources[1])).to_string(),
            str![[r#"
rds.instance.b (b)
  status: impaired: storage-full; raise `allocated_storage`
  note: `max_connections` waits for a reboot
  fields
    cidr_block: "10.0.0.0/16"
    vpc: ec2.vpc.main
  attributes
    arn: "arn:aws:x:::b"
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
