//! Networks in situations where AWS is late or fails in part, and where others have resources in them.

use std::{collections::BTreeMap, fs};

use libtest_mimic::Trial;
use serde_json::json;

use crate::{
    harness::{Account, Result, fail, root},
    life::{Steps, exists, expect, steps},
    trial,
};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("network::late_answers_create_nothing_twice", late_answers_create_nothing_twice),
        trial("network::a_failed_association_is_repeated", a_failed_association_is_repeated),
        trial(
            "network::guarddutys_endpoint_is_deleted_with_the_network",
            guarddutys_endpoint_is_deleted_with_the_network,
        ),
        trial("network::rules_stay_while_a_group_is_attached", rules_stay_while_a_group_is_attached),
        trial("network::resources_of_others_are_not_waited_for", resources_of_others_are_not_waited_for),
        trial("network::rules_of_others_stay_where_a_group_says_so", rules_of_others_stay_where_a_group_says_so),
        trial("network::a_new_group_has_the_declared_egress_rules", a_new_group_has_the_declared_egress_rules),
        trial("network::a_lost_tag_makes_no_second_network", a_lost_tag_makes_no_second_network),
        trial("network::a_network_exposes_its_defaults", a_network_exposes_its_defaults),
    ]
}

const APPROVED: [&str; 4] = ["--auto-approve", "--unprotect", "--settle", "3s"];

/// Reads are a second behind, and calls do not know resources created within the last second: when a table was taken
/// for deleted after one look, hundreds were created.
fn late_answers_create_nothing_twice() -> Result {
    let (account, stack) = (Account::new(), root().join("tests/kinds/ec2.route_table/stack.toml"));
    account.plant_with_seed(
        7,
        &json!([
            { "match": { "service": "ec2", "mutating": true }, "do": { "late": { "seconds": 1 } } },
            { "match": { "service": "ec2", "mutating": false }, "do": { "stale": { "seconds": 1 } } },
        ]),
    )?;
    let stack = stack.display().to_string();
    for _ in 0..2 {
        account.json(&[&["apply", &stack], &APPROVED[..]].concat())?;
        nothing_is_there_twice(&account)?;
    }
    account.plant_with_seed(7, &json!([]))?;
    expect(&account.json(&["plan", &stack])?, &Steps::new())?;
    account.json(&[&["destroy", &stack], &APPROVED[..]].concat())?;
    Ok(())
}

fn nothing_is_there_twice(account: &Account) -> Result {
    let mut counts = BTreeMap::<String, usize>::new();
    for resource in account.dump()?.iter().filter(|resource| !crate::life::is_gone(resource)) {
        if let Some(address) = resource["tags"]["bullstra:address"].as_str() {
            *counts.entry(address.to_owned()).or_default() += 1;
        }
    }
    counts.retain(|_, count| *count > 1);
    if counts.is_empty() { Ok(()) } else { fail(format!("there more than once: {counts:?}")) }
}

/// A table, a subnet or a gateway is never replaced because of it.
fn a_failed_association_is_repeated() -> Result {
    let (account, stack) = (Account::new(), root().join("tests/kinds/ec2.route_table/stack.toml"));
    let stack = stack.display().to_string();
    account.json(&[&["apply", &stack], &APPROVED[..]].concat())?;
    account.plant_with_seed(
        7,
        &json!([{ "match": { "operation": "AssociateRouteTable" }, "times": 1, "do": { "fail_later": {} } }]),
    )?;
    account.python(
        r#"
ec2 = aws("ec2")
table = ec2.describe_route_tables(RouteTableIds=[id("ec2.route_table.main")])["RouteTables"][0]
old = table["Associations"][0]
ec2.disassociate_route_table(AssociationId=old["RouteTableAssociationId"])
ec2.associate_route_table(RouteTableId=table["RouteTableId"], SubnetId=old["SubnetId"])
"#,
    )?;
    let plan = account.json(&["plan", &stack])?;
    expect(&plan, &Steps::from([("update".into(), ["ec2.route_table.main".to_owned()].into())]))?;
    account.json(&[&["apply", &stack], &APPROVED[..]].concat())?;
    expect(&account.json(&["plan", &stack])?, &Steps::new())?;
    account.json(&[&["destroy", &stack], &APPROVED[..]].concat())?;
    Ok(())
}

fn guarddutys_endpoint_is_deleted_with_the_network() -> Result {
    let account = Account::new();
    let stack = stack(
        &account,
        r#"
[ec2.vpc.main]
cidr_block = "10.0.0.0/16"
enable_dns_hostnames = true

[ec2.subnet.a]
vpc = "main"
cidr_block = "10.0.0.0/24"
availability_zone = "us-east-1a"

[ec2.subnet.b]
vpc = "main"
cidr_block = "10.0.1.0/24"
availability_zone = "us-east-1b"
"#,
    )?;
    let before = exists(&account)?;
    account.json(&[&["apply", &stack], &APPROVED[..]].concat())?;
    account.python(
        r#"
ec2 = aws("ec2")
vpc = id("ec2.vpc.main")
managed = lambda kind: [{"ResourceType": kind, "Tags": [{"Key": "GuardDutyManaged", "Value": "true"}]}]
group = ec2.create_security_group(GroupName=f"GuardDutyManagedSecurityGroup-{vpc}", Description="Associated with VPC", VpcId=vpc, TagSpecifications=managed("security-group"))["GroupId"]
ec2.create_vpc_endpoint(VpcId=vpc, ServiceName="com.amazonaws.us-east-1.guardduty-data", VpcEndpointType="Interface", SubnetIds=[id("ec2.subnet.a"), id("ec2.subnet.b")], SecurityGroupIds=[group], PrivateDnsEnabled=True, TagSpecifications=managed("vpc-endpoint"))
"#,
    )?;
    account.json(&[&["destroy", &stack], &APPROVED[..]].concat())?;
    let left: Vec<_> = exists(&account)?.difference(&before).cloned().collect();
    if left.is_empty() { Ok(()) } else { fail(format!("left behind: {left:?}")) }
}

/// A group attached to a resource outside the stack is not deleted, and its rules stay.
fn rules_stay_while_a_group_is_attached() -> Result {
    let account = Account::new();
    let stack = stack(
        &account,
        r#"
[ec2.vpc.main]
cidr_block = "10.0.0.0/16"

[ec2.subnet.a]
vpc = "main"
cidr_block = "10.0.0.0/24"

[ec2.security_group.app]
description = "app"
vpc = "main"
ingress = [{ ports = 80, group = "lb" }]

[ec2.security_group.lb]
description = "lb"
vpc = "main"
egress = [{ ports = 80, group = "app" }]
"#,
    )?;
    account.json(&[&["apply", &stack], &APPROVED[..]].concat())?;
    let python = r#"
import json
ec2 = aws("ec2")
groups = ec2.describe_security_groups(GroupIds=[app])["SecurityGroups"]
print(json.dumps([len(groups[0]["IpPermissions"]), len(groups[0]["IpPermissionsEgress"])]))
"#;
    let app = account.python(
        r#"
app = id("ec2.security_group.app")
aws("ec2").create_network_interface(SubnetId=id("ec2.subnet.a"), Groups=[app])
print(app, end="")
"#,
    )?;
    let destroyed = account.up(&[&["destroy", &stack, "--target", "ec2.security_group.app"], &APPROVED[..]].concat())?;
    if destroyed.code == 0 || !destroyed.stderr.contains(&format!("{app} is still used by eni-")) {
        return fail(format!(
            "an attached group was destroyed, or the message does not name the interface: {destroyed:?}"
        ));
    }
    let rules = account.python(&format!("app = {app:?}\n{python}"))?;
    if rules.trim() == "[1, 1]" { Ok(()) } else { fail(format!("rules of the attached group: {rules}")) }
}

/// Resources of others in a network stay until they are removed by hand: the run ends soon, and names them.
fn resources_of_others_are_not_waited_for() -> Result {
    let account = Account::new();
    let stack = stack(
        &account,
        r#"
[ec2.vpc.main]
cidr_block = "10.0.0.0/16"

[ec2.subnet.a]
vpc = "main"
cidr_block = "10.0.0.0/24"

[ec2.security_group.named]
description = "named by a rule"
vpc = "main"

[ec2.security_group.attached]
description = "attached to an interface"
vpc = "main"
"#,
    )?;
    account.json(&[&["apply", &stack], &APPROVED[..]].concat())?;
    let strange = account.python(
        r#"
ec2 = aws("ec2")
group = ec2.create_security_group(GroupName="strange", Description="strange", VpcId=id("ec2.vpc.main"))["GroupId"]
pair = [{"GroupId": id("ec2.security_group.named")}]
ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[{"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "UserIdGroupPairs": pair}])
interface = ec2.create_network_interface(SubnetId=id("ec2.subnet.a"), Groups=[id("ec2.security_group.attached")])
print(group, interface["NetworkInterface"]["NetworkInterfaceId"], end="")
"#,
    )?;
    let began = std::time::Instant::now();
    let destroyed = account.up(&[&["destroy", &stack], &APPROVED[..]].concat())?;
    if destroyed.code == 0 || began.elapsed().as_secs() > 60 {
        return fail(format!("after {:?}: {destroyed:?}", began.elapsed()));
    }
    let (group, interface) = strange.split_once(' ').ok_or("two ids")?;
    for part in [
        format!("is still used by a rule of {group}"),
        format!("is still used by {interface}"),
        "it is not this stack's".to_owned(),
    ] {
        if !destroyed.stderr.contains(&part) {
            return fail(format!("it does not say {part}: {}", destroyed.stderr));
        }
    }
    account.python(&format!(
        r#"
ec2 = aws("ec2")
ec2.delete_network_interface(NetworkInterfaceId="{interface}")
ec2.delete_security_group(GroupId="{group}")
"#
    ))?;
    account.json(&[&["destroy", &stack], &APPROVED[..]].concat())?;
    Ok(())
}

/// EC2's answer to a create does not include a group's rules: in a network with an IPv6 block there is one more.
fn a_new_group_has_the_declared_egress_rules() -> Result {
    let account = Account::new();
    let networks = r#"
[ec2.vpc.main]
for_each = { ipv4 = false, ipv6 = true }
cidr_block = "10.0.0.0/16"
amazon_provided_ipv6_cidr_block = "${each.value}"

[ec2.security_group.app]
for_each = ["ipv4", "ipv6"]
description = "app"
vpc = "main:${each.key}"
"#;
    let file = stack(&account, networks)?;
    account.json(&[&["apply", &file], &APPROVED[..]].concat())?;
    expect(&account.json(&["plan", &file])?, &Steps::new())?;
    let out = account.python(
        r#"
groups = [id(f"ec2.security_group.app:{network}") for network in ("ipv4", "ipv6")]
for group in aws("ec2").describe_security_groups(GroupIds=groups)["SecurityGroups"]:
    [out] = group["IpPermissionsEgress"]
    print([it["CidrIp"] for it in out["IpRanges"]], out["Ipv6Ranges"], end=";")
"#,
    )?;
    if out == "['0.0.0.0/0'] [];['0.0.0.0/0'] [];" { Ok(()) } else { fail(format!("let out: {out}")) }
}

fn rules_of_others_stay_where_a_group_says_so() -> Result {
    let account = Account::new();
    let group = |ports: u16| {
        format!(
            r#"
[ec2.vpc.main]
cidr_block = "10.0.0.0/16"

[ec2.security_group.app]
description = "app"
vpc = "main"
ingress = [{{ ports = {ports}, cidr = "10.0.0.0/8" }}]
ignore_rules = ["ops: "]
"#
        )
    };
    let file = stack(&account, &group(80))?;
    account.json(&[&["apply", &file], &APPROVED[..]].concat())?;
    let open = |ports: u16, text: &str| {
        account.python(&format!(
            r#"
rule = {{"IpProtocol": "tcp", "FromPort": {ports}, "ToPort": {ports}, "IpRanges": [{{"CidrIp": "192.0.2.0/24", "Description": "{text}"}}]}}
aws("ec2").authorize_security_group_ingress(GroupId=id("ec2.security_group.app"), IpPermissions=[rule])
"#
        ))
    };
    open(22, "ops: bastion")?;
    expect(&account.json(&["plan", &file])?, &Steps::new())?;
    open(23, "by hand")?;
    let file = stack(&account, &group(81))?;
    account.json(&[&["apply", &file], &APPROVED[..]].concat())?;
    let ports = account.python(
        r#"
[group] = aws("ec2").describe_security_groups(GroupIds=[id("ec2.security_group.app")])["SecurityGroups"]
print(sorted(rule["FromPort"] for rule in group["IpPermissions"]), end="")
"#,
    )?;
    if ports != "[22, 81]" {
        return fail(format!("open are {ports}"));
    }
    account.json(&[&["destroy", &file], &APPROVED[..]].concat())?;
    Ok(())
}

fn a_network_exposes_its_defaults() -> Result {
    let account = Account::new();
    let stack = stack(
        &account,
        r#"
[ec2.vpc.main]
cidr_block = "10.0.0.0/16"
amazon_provided_ipv6_cidr_block = true

[ec2.route_table.main]
vpc = "main"

[ec2.vpc_endpoint.s3]
vpc = "main"
service_name = "com.amazonaws.us-east-1.s3"
route_tables = ["main"]

[ec2.security_group.app]
description = "app"
vpc = "main"
egress = [{ ports = 443, prefix_list_id = "${ec2.vpc_endpoint.s3.prefix_list_id}" }]

[outputs]
table = { value = "${ec2.vpc.main.main_route_table_id}", description = "of AWS" }
group = { value = "${ec2.vpc.main.default_security_group_id}", description = "of AWS" }
block = { value = "${ec2.vpc.main.ipv6_cidr_block}", description = "of AWS" }
"#,
    )?;
    account.json(&[&["apply", &stack], &APPROVED[..]].concat())?;
    let outputs = account.json(&["output", &stack])?["outputs"].to_string();
    for part in ["rtb-", "sg-", "::/56"] {
        if !outputs.contains(part) {
            return fail(format!("no {part} in {outputs}"));
        }
    }
    let plan = account.json(&["plan", &stack])?;
    if steps(&plan).is_empty() { Ok(()) } else { fail(format!("not settled: {plan}")) }
}

fn stack(account: &Account, text: &str) -> Result<String> {
    let file = account.folder.path().join("stack.toml");
    fs::write(&file, format!("[stack]\nname = \"net\"\nregion = \"us-east-1\"\n{text}"))?;
    Ok(file.display().to_string())
}

/// A tag that is removed by hand takes a resource out of sight, and history still knows its id.
fn a_lost_tag_makes_no_second_network() -> Result {
    let account = Account::new();
    let file = stack(&account, "\n[ec2.vpc.main]\ncidr_block = \"10.0.0.0/16\"\n")?;
    account.json(&[&["apply", &file], &APPROVED[..]].concat())?;
    let vpc = account.python("print(id('ec2.vpc.main'), end='')")?;
    let tag = |verb: &str, value: &str| {
        let tags = format!("Tags=[{{'Key': 'bullstra:stack'{value}}}]");
        account.python(&format!("aws('ec2').{verb}_tags(Resources=['{vpc}'], {tags})"))
    };
    tag("delete", "")?;
    let refused = account.up(&["plan", &file, "--settle", "0s"])?;
    if !refused.stderr.contains(&format!("an earlier run created {vpc}, which exists without the stack's tag")) {
        return fail(format!("no refusal:\n{}\n{}", refused.stdout, refused.stderr));
    }
    tag("create", ", 'Value': 'another'")?;
    expect(
        &account.json(&["plan", &file, "--settle", "0s"])?,
        &Steps::from([("create".into(), ["ec2.vpc.main".into()].into())]),
    )?;
    tag("create", ", 'Value': 'net'")?;
    expect(&account.json(&["plan", &file])?, &Steps::new())
}
