//! Valid stacks, and what they are loaded as.

mod common;

use std::{collections::BTreeMap, fs};

use serde_json::{Value, json};
use up_core::placeholder::{Placeholder, readable};
use up_stack::{LoadOptions, Stack};

use crate::common::load;

const GOOD: &str = "tests/good/stack.toml";

fn good(options: &LoadOptions) -> Stack {
    load(GOOD, options).unwrap_or_else(|wrong| panic!("{wrong}"))
}

/// A stack with these lines after its `[stack]`.
fn written(lines: &str) -> Stack {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stack.toml");
    fs::write(&path, format!("[stack]\nname = \"x\"\nregion = \"us-east-1\"\n{lines}")).unwrap();
    load(path.to_str().unwrap(), &LoadOptions::default()).unwrap_or_else(|wrong| panic!("{wrong}"))
}

/// The spec of one resource.
fn spec<'a>(stack: &'a Stack, address: &str) -> &'a Value {
    let found = stack.resources.iter().find(|resource| resource.address.to_string() == address);
    &found.unwrap_or_else(|| panic!("no {address}")).spec
}

#[test]
fn a_stack_is_expanded_by_address() {
    let stack = good(&LoadOptions::default());
    let addresses: Vec<_> = stack.resources.iter().map(|resource| resource.address.to_string()).collect();
    assert_eq!(
        addresses,
        [
            "access.policy.read",
            "access.policy.write",
            "net.group.back",
            "net.group.front",
            "network/net.network.main",
            "network/net.subnet.private:eu-west-1a",
            "network/net.subnet.private:eu-west-1b",
            "service:billing/net.group.web",
            "service:orders/net.group.web",
        ]
    );
    assert_eq!((stack.name.as_str(), stack.region.as_str(), stack.protect), ("shop-qa", "eu-west-1", true));
    assert_eq!(stack.accounts, ["111122223333"]);
}

#[test]
fn values_keep_their_types_and_defaults_are_filled_in() {
    let stack = good(&LoadOptions::default());
    let subnet = spec(&stack, "network/net.subnet.private:eu-west-1b");
    let want = json!({
        "network": { "$ref": "network/net.network.main" },
        "cidr_block": "10.20.16.0/20",
        "availability_zone": "eu-west-1b",
        "port": 8001,
    });
    assert_eq!(*subnet, want);
    assert_eq!(spec(&stack, "network/net.network.main")["tenancy"], "shared");
}

#[test]
fn references_cross_modules_by_path_by_output_and_by_id() {
    let stack = good(&LoadOptions::default());
    let subnets = json!([
        { "$ref": "network/net.subnet.private:eu-west-1a" },
        { "$ref": "network/net.subnet.private:eu-west-1b" },
    ]);
    let front = spec(&stack, "net.group.front");
    assert_eq!(front["network"], json!({ "$ref": "network/net.network.main" }));
    assert_eq!(front["subnets"], subnets);
    assert_eq!(spec(&stack, "service:orders/net.group.web")["subnets"], subnets);
    let back = spec(&stack, "net.group.back");
    assert_eq!(back["network"], json!({ "$id": "vpc-0abc", "$kind": "net.network" }));
    // The id of a subnet, quoted where a subnet is wanted, is the subnet.
    assert_eq!(back["subnets"][1], json!({ "$ref": "network/net.subnet.private:eu-west-1a" }));
}

#[test]
fn common_attributes_are_not_part_of_the_spec() {
    let stack = good(&LoadOptions::default());
    let front = stack.resources.iter().find(|resource| resource.address.to_string() == "net.group.front").unwrap();
    let depends_on: Vec<_> = front.depends_on.iter().map(ToString::to_string).collect();
    assert_eq!(depends_on, ["network/net.subnet.private:eu-west-1a", "network/net.subnet.private:eu-west-1b"]);
    assert_eq!(front.tags, BTreeMap::from([("environment".into(), "qa".into()), ("team".into(), "edge".into())]));
    assert!(front.prevent_destroy && front.ignore_changes.contains("labels"));
    assert_eq!((front.origin.file.as_str(), front.origin.line), (GOOD, 42));
}

/// The former addresses of a resource.
fn old_addresses(stack: &Stack, address: &str) -> Vec<String> {
    let found = stack.resources.iter().find(|resource| resource.address.to_string() == address);
    let found = found.unwrap_or_else(|| panic!("no {address}"));
    found.renamed_from.iter().map(ToString::to_string).collect()
}

#[test]
fn a_resource_may_be_renamed() {
    let stack = written(
        r#"
        [net.network.new]
        cidr_block = "10.0.0.0/16"
        renamed_from = "old"
        [net.network.each]
        for_each = { a = 1, b = 2 }
        cidr_block = "10.${each.value}.0.0/16"
        renamed_from = "old-each"
        [net.network.key]
        for_each = { a = 3, b = 4 }
        cidr_block = "10.${each.value}.0.0/16"
        renamed_from = '${each.key == "a" ? "old-key:x" : null}'
        [net.network.one]
        for_each = { main = 5 }
        cidr_block = "10.${each.value}.0.0/16"
        renamed_from = "one"
        [net.network.second]
        cidr_block = "10.7.0.0/16"
        renamed_from = "first"
        [net.network.third]
        cidr_block = "10.8.0.0/16"
        renamed_from = "second"
        [net.network.moved]
        cidr_block = "10.6.0.0/16"
        renamed_from = "shop:a/net.network.inside:k"
        "#,
    );
    assert_eq!(old_addresses(&stack, "net.network.new"), ["net.network.old"]);
    assert_eq!(old_addresses(&stack, "net.network.third"), ["net.network.second"], "a chain");
    assert_eq!(old_addresses(&stack, "net.network.each:b"), ["net.network.old-each:b", "net.network.old-each"]);
    assert_eq!(old_addresses(&stack, "net.network.key:a"), ["net.network.old-key:x"]);
    assert!(old_addresses(&stack, "net.network.key:b").is_empty());
    assert_eq!(old_addresses(&stack, "net.network.one:main"), ["net.network.one"], "it has got a key");
    assert_eq!(old_addresses(&stack, "net.network.moved"), ["shop:a/net.network.inside:k"]);
}

#[test]
fn all_of_a_module_moves_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("inner.toml", "[net.network.main]\ncidr_block = \"10.0.0.0/16\"\nrenamed_from = \"first\"\n");
    write(
        "outer.toml",
        "[module.inner]\nsource = \"inner.toml\"\nrenamed_from = \"core\"\n\
         [net.network.whole]\ncidr_block = \"10.1.0.0/16\"\nrenamed_from = \"net.network.root\"\n",
    );
    write(
        "stack.toml",
        "[stack]\nname = \"x\"\nregion = \"us-east-1\"\n[module.new]\nsource = \"outer.toml\"\n\
         for_each = [\"a\"]\nrenamed_from = \"old\"\n",
    );
    let path = folder.path().join("stack.toml");
    let stack = load(path.to_str().unwrap(), &LoadOptions::default()).unwrap_or_else(|wrong| panic!("{wrong}"));
    let all = old_addresses(&stack, "new:a/inner/net.network.main");
    assert_eq!(all[0], "old:a/core/net.network.first", "everything was renamed at once");
    for one in ["new:a/core/net.network.first", "new:a/inner/net.network.first", "old:a/inner/net.network.main"] {
        assert!(all.iter().any(|known| known == one), "{one} in {all:?}");
    }
    assert!(!all.iter().any(|known| known == "new:a/inner/net.network.main"), "it is its own address");
    assert_eq!(old_addresses(&stack, "new:a/net.network.whole")[0], "net.network.root");
}

#[test]
fn tags_of_others_are_left_alone() {
    let stack = written(
        r#"
        ignore_tags = ["cost-center", "backup:*"]
        tags = { "Kosten/Stelle" = "Zürich + Söhne @ 7=x", Empty = "" }
        [net.network.main]
        cidr_block = "10.0.0.0/16"
        ignore_changes = ["tags.Owner", "label"]
        [net.subnet.main]
        network = "main"
        cidr_block = "10.0.0.0/24"
        tags = { Note = "R&D ✅" }
        "#,
    );
    let network = stack.resources.iter().find(|resource| resource.address.kind == "net.network").unwrap();
    for key in ["cost-center", "backup:plan", "Owner"] {
        assert!(network.ignores_tag(key), "{key}");
    }
    assert!(!network.ignores_tag("Empty") && !network.ignores_tag("cost-center-2"));
}

#[test]
fn values_that_are_not_known_yet_are_placeholders() {
    let stack = good(&LoadOptions::default());
    let document = &spec(&stack, "access.policy.read")["document"];
    let arn =
        |service| Placeholder { address: format!("service:{service}/net.group.web"), attribute: "arn".into() }.mark();
    assert_eq!(document["Statement"][0]["Resource"], json!([arn("billing"), arn("orders")]));
    let text = document["Statement"][1]["Resource"].as_str().unwrap();
    assert_eq!(readable(text), "arn:aws:net:eu-west-1:111122223333:x/${net.group.front.id}");
    let written = &spec(&stack, "access.policy.write")["document"];
    assert_eq!(*written, json!({ "Resource": [arn("billing"), arn("orders")] }));
    assert_eq!(stack.outputs["groups"].value, json!({ "billing": arn("billing"), "orders": arn("orders") }));
}

#[test]
fn templates_escape_and_loop() {
    let stack = good(&LoadOptions::default());
    let labels = &spec(&stack, "net.group.front")["labels"];
    assert_eq!(*labels, json!({ "motto": "<billing><orders>", "escaped": "${not} %{this}", "name": "none" }));
}

#[test]
fn inputs_come_from_outside() {
    let env = BTreeMap::from([
        ("BULLSTRA_UP_ZONES".to_owned(), "3".to_owned()),
        ("BULLSTRA_UP_ENVIRONMENT".to_owned(), "qa".to_owned()),
        ("BULLSTRA_UP_LOG".to_owned(), "debug".to_owned()),
    ]);
    let set = vec![
        ("environment".to_owned(), "prod".to_owned()),
        ("peer".to_owned(), r#"{ cidr = "172.17.0.0/16", name = "b" }"#.to_owned()),
    ];
    let stack = good(&LoadOptions { set, env, ..LoadOptions::default() });
    assert_eq!(stack.name, "shop-prod");
    assert_eq!(stack.outputs["facts"].value["zones"].as_array().unwrap().len(), 3);
    assert_eq!(spec(&stack, "net.group.front")["labels"]["name"], "b");
    assert_eq!(stack.resources.iter().filter(|resource| resource.address.kind == "net.subnet").count(), 3);
}

#[test]
fn an_account_that_is_one_of_several_is_not_known_yet() {
    let stack = written(
        "accounts = [\"111122223333\", \"444455556666\"]\n[outputs.a]\nvalue = \"${stack.account}\"\ndescription = \"A.\"",
    );
    let mark = Placeholder { address: "stack".into(), attribute: "account".into() }.mark();
    assert_eq!(stack.outputs["a"].value, Value::String(mark));
}

#[test]
fn region_and_account_may_be_given() {
    let options = LoadOptions {
        region: Some("us-east-1".into()),
        account: Some("000000000000".into()),
        ..LoadOptions::default()
    };
    let stack = good(&options);
    assert_eq!(
        (stack.region.as_str(), &stack.outputs["facts"].value["account"]),
        ("us-east-1", &json!("000000000000"))
    );
    assert_eq!(stack.outputs["facts"].value["zones"].as_array().unwrap().len(), 6);
}

#[test]
fn strings_of_sensitive_inputs_are_collected() {
    let secrets = good(&LoadOptions::default()).secrets;
    assert_eq!(secrets.iter().map(String::as_str).collect::<Vec<_>>(), ["/billing", "/orders"]);
}

#[test]
fn zones_can_be_named() {
    let stack = written("zones = [\"b\", \"us-east-1f\"]\n[outputs.a]\nvalue = \"${zones}\"\ndescription = \"A.\"");
    assert_eq!(stack.outputs["a"].value, json!(["us-east-1b", "us-east-1f"]));
}

#[test]
fn deferred_fields_may_form_a_cycle() {
    written(
        "[net.network.main]\ncidr_block = \"10.0.0.0/16\"\n[net.group.a]\nnetwork = \"main\"\n\
         ingress = [{ ports = [1, 2], peer = { group = \"b\" } }]\n[net.group.b]\nnetwork = \"main\"\n\
         ingress = [{ ports = [1, 2], peer = { group = \"a\" } }, { ports = [1, 2], peer = { group = \"b\" } }]",
    );
}

#[test]
fn an_empty_for_each_makes_no_resource() {
    let stack = written(
        "[net.network.main]\nfor_each = []\ncidr_block = \"10.0.0.0/16\"\n[outputs.a]\nvalue = \"${net.network.main[*].id}\"\ndescription = \"A.\"",
    );
    assert!(stack.resources.is_empty());
    assert_eq!(stack.outputs["a"].value, json!([]));
}

#[test]
fn the_same_files_give_the_same_stack() {
    let text = |stack: &Stack| serde_json::to_string(&stack.resources).unwrap();
    assert_eq!(text(&good(&LoadOptions::default())), text(&good(&LoadOptions::default())));
}

#[test]
fn the_schema_names_every_kind_and_table() {
    let schema = up_stack::schema(common::KINDS);
    for table in ["stack", "inputs", "locals", "module", "outputs", "accept", "net", "access"] {
        assert!(schema["properties"].get(table).is_some(), "{table}");
    }
    let network = &schema["properties"]["net"]["properties"]["network"]["additionalProperties"]["properties"];
    assert_eq!(network["cidr_block"]["type"], "string");
    assert!(network.get("for_each").is_some() && network["dns"].get("anyOf").is_some());
}

#[test]
fn a_stack_may_have_a_role() {
    let role = r#"
        role_arn = '${join("/", ["arn:aws:iam::111122223333:role", "deploy-qa"])}'
        external_id = "shop"
    "#;
    let role = written(role).role.unwrap();
    assert_eq!(role.arn.as_str(), "arn:aws:iam::111122223333:role/deploy-qa");
    assert_eq!(role.external_id.as_deref(), Some("shop"));
    assert_eq!(written("").role, None);
}

#[test]
fn a_difference_is_accepted_until_a_day() {
    let accept = r#"
        [net.network.main]
        cidr_block = "10.0.0.0/16"

        [[accept]]
        address = "net.network.main"
        field = "tags.Owner"
        reason = "an audit"
        until = 2027-01-31
    "#;
    let accepted = written(accept).accept;
    assert_eq!((accepted.len(), accepted[0].address.to_string().as_str()), (1, "net.network.main"));
    assert_eq!((accepted[0].field.as_str(), accepted[0].reason.as_str()), ("tags.Owner", "an audit"));
    assert_eq!(accepted[0].until.to_string(), "2027-01-31");
}

#[test]
fn what_is_left_to_deployments_is_marked() {
    let stack = written(
        r#"
        [locals]
        first = '${deployed("nginx:1")}'

        [net.network.main]
        cidr_block = "10.0.0.0/16"

        [net.group.main]
        network = "main"
        programs = [
            { name = "web", image = '${deployed("${net.network.main.arn}/web:1")}' },
            { name = "log", image = "${locals.first}" },
            { name = "fixed", image = "redis" },
        ]
        "#,
    );
    let group = &stack.resources[0];
    assert_eq!(group.deployed, ["log", "web"].map(str::to_owned).into());
    let images = group.spec["programs"].as_array().unwrap().iter().map(|it| readable(it["image"].as_str().unwrap()));
    assert_eq!(images.collect::<Vec<_>>(), ["${net.network.main.arn}/web:1", "nginx:1", "redis"]);
    assert!(stack.resources[1].deployed.is_empty());
}
