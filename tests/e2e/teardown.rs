//! Destroys: by name alone, with others in the way, and with proof at the end.

use std::{
    collections::BTreeSet,
    fs,
    process::{Command, Stdio},
};

use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::{
    harness::{Account, Result, UP, copy_stacks, fail, root},
    life::{exists, is_gone},
    trial,
};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("teardown::production_by_its_name_alone", || by_name("prod")),
        trial("teardown::qa_by_its_name_alone", || by_name("qa")),
        trial("teardown::children_go_with_their_parents", children),
        trial("teardown::copies_of_a_database_are_never_taken", copies),
        trial("teardown::blockers_are_named_before_the_first_call", blockers),
        trial("teardown::the_end_is_proven", proven),
    ]
}

/// The options of a destroy without file, inputs and state.
fn named<'a>(name: &'a str, account: &'a str) -> Vec<&'a str> {
    vec!["destroy", "--name", name, "--account", account, "--region", "us-east-1", "--auto-approve"]
}

/// A stack that no destroy of another one may touch.
const BYSTANDER: &str = r#"
[stack]
name = "bullstra"
region = "us-east-1"

[ec2.vpc.main]
cidr_block = "10.99.0.0/16"

[ec2.security_group.app]
description = "app"
vpc = "main"

[iam.role.app]
assume_role_policy_document = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole"}]}'

[logs.log_group.app]
retention_in_days = 7
"#;

/// A destroy by name leaves what one by file leaves: what was there before, and the final snapshots.
fn by_name(stack: &str) -> Result {
    let (by_name, snapshots) = destroyed(stack, true)?;
    let (by_file, others) = destroyed(stack, false)?;
    if (&by_name, &snapshots) == (&by_file, &others) {
        return Ok(());
    }
    fail(format!("by name it leaves {by_name:?} {snapshots:?}, and by file {by_file:?} {others:?}"))
}

/// What a destroy leaves behind, and the names of the snapshots that it tells of.
fn destroyed(stack: &str, is_by_name: bool) -> Result<(BTreeSet<String>, BTreeSet<String>)> {
    let account = Account::new();
    fs::write(account.folder.path().join("bystander.toml"), BYSTANDER)?;
    account.json(&["apply", "bystander.toml", "--auto-approve"])?;
    let (before, others) = (exists(&account)?, owned(&account, "bullstra")?);
    let file = copy_stacks(&account)?.with_file_name(format!("{stack}.toml")).display().to_string();
    account.json(&["apply", &file, "--auto-approve"])?;
    let name = format!("bullstra-{stack}");
    let answer = if is_by_name {
        fs::remove_dir_all(account.folder.path().join("stacks"))?;
        fs::remove_dir_all(account.folder.path().join("state"))?;
        let calls = account.calls()?.len();
        let refused = account.up(&named(&name, &account.id))?;
        if refused.code != 6 || !refused.stderr.contains("only the stack's files say whether `protect`") {
            return fail(format!("data is not protected: {refused:?}"));
        }
        let elsewhere = account.up(&named(&name, "999999999999"))?;
        if elsewhere.code != 4 || !elsewhere.stderr.contains("and not for account 999999999999") {
            return fail(format!("another account is not refused: {elsewhere:?}"));
        }
        if let Some((call, _)) = account.calls()?[calls..].iter().find(|(_, mutating)| *mutating) {
            return fail(format!("a refused destroy made {call}"));
        }
        account.json(&[named(&name, &account.id), vec!["--unprotect"]].concat())?
    } else {
        account.json(&["destroy", &file, "--auto-approve", "--unprotect"])?
    };
    if owned(&account, "bullstra")? != others {
        return fail("it has changed resources of another stack");
    }
    let proof = &answer["proof"];
    if proof["left"] != json!([]) || proof["unread"] != json!({}) || proof["kinds"].as_array().is_none_or(Vec::is_empty)
    {
        return fail(format!("nothing is proven: {proof}"));
    }
    // Their names end in a part of the database's own id.
    let kept = proof["kept"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let kept = kept.map(|text| text.split("-final-").next().unwrap_or_default().to_owned()).collect();
    let left = exists(&account)?.difference(&before).map(|(kind, id)| format!("{kind} {id}")).collect();
    Ok((left, kept))
}

/// The resources of a stack, as the sandbox has them.
fn owned(account: &Account, stack: &str) -> Result<Vec<Value>> {
    let dump = account.dump()?.into_iter().filter(|it| !is_gone(it));
    Ok(dump.filter(|it| it["tags"]["bullstra:stack"] == stack).collect())
}

/// Subscriptions have no tags, and AWS deletes them with their topic.
fn children() -> Result {
    let account = Account::new();
    let before = exists(&account)?;
    fs::copy(root().join("tests/kinds/sns.subscription/stack.toml"), account.folder.path().join("stack.toml"))?;
    account.json(&["apply", "stack.toml", "--auto-approve"])?;
    forget(&account)?;
    account.json(&named("life", &account.id))?;
    let left: Vec<_> = exists(&account)?.difference(&before).cloned().collect();
    if left.is_empty() { Ok(()) } else { fail(format!("left behind: {left:?}")) }
}

fn forget(account: &Account) -> Result {
    for path in ["state", "stack.toml"].map(|name| account.folder.path().join(name)) {
        if path.is_dir() { fs::remove_dir_all(path)? } else { fs::remove_file(path)? }
    }
    Ok(())
}

const DATABASE: &str = r#"
[stack]
name = "data"
region = "us-east-1"

[ec2.vpc.main]
cidr_block = "10.0.0.0/16"

[ec2.subnet.main]
for_each = ["a", "b"]
vpc = "main"
availability_zone = "us-east-1${each.key}"
cidr_block = '${cidrsubnet("10.0.0.0/16", 4, index(["a", "b"], each.key))}'

[rds.subnet_group.main]
description = "data"
subnets = ["main:a", "main:b"]

[ec2.security_group.main]
description = "data"
vpc = "main"

[rds.instance.main]
security_groups = ["main"]
name = "shop-data"
engine = "postgres"
instance_class = "db.t4g.medium"
allocated_storage = 20
master_username = "shop"
subnet_group = "main"
"#;

/// A database that somebody restored from a snapshot, with the tags of the stack's own, is left alone by name too, and also
/// where the stack's own no longer exists.
fn copies() -> Result {
    let account = Account::new();
    fs::write(account.folder.path().join("stack.toml"), DATABASE)?;
    account.json(&["apply", "stack.toml", "--auto-approve"])?;
    account.python(
        r#"
rds = aws("rds")
[original] = rds.describe_db_instances()["DBInstances"]
rds.create_db_snapshot(DBInstanceIdentifier="shop-data", DBSnapshotIdentifier="incident")
rds.get_waiter("db_snapshot_available").wait(DBSnapshotIdentifier="incident", WaiterConfig={"Delay": 1})
rds.restore_db_instance_from_db_snapshot(DBInstanceIdentifier="restored", DBSnapshotIdentifier="incident",
    DBSubnetGroupName=original["DBSubnetGroup"]["DBSubnetGroupName"], Tags=original["TagList"])
"#,
    )?;
    forget(&account)?;
    let destroy = [named("data", &account.id), vec!["--unprotect"]].concat();
    let refuses = |calls: usize| {
        let ran = account.up(&destroy)?;
        if ran.code != 6 || !ran.stderr.contains("restored carries its tags, and nothing says that the stack made it") {
            return fail(format!("the copy is not refused: {ran:?}"));
        }
        match account.calls()?[calls..].iter().find(|(_, mutating)| *mutating) {
            Some((call, _)) => fail(format!("it made {call}")),
            None => Ok(()),
        }
    };
    refuses(account.calls()?.len())?;
    let delete = r#"
rds = aws("rds")
rds.delete_db_instance(DBInstanceIdentifier="NAME", SkipFinalSnapshot=True)
rds.get_waiter("db_instance_deleted").wait(DBInstanceIdentifier="NAME", WaiterConfig={"Delay": 1})
"#;
    account.python(&delete.replace("NAME", "shop-data"))?;
    refuses(account.calls()?.len())?;
    account.python(&delete.replace("NAME", "restored"))?;
    account.json(&destroy).map(drop)
}

const NETWORK: &str = r#"
[stack]
name = "net"
region = "us-east-1"

[ec2.vpc.main]
cidr_block = "10.0.0.0/16"

[ec2.subnet.a]
vpc = "main"
cidr_block = "10.0.0.0/24"

[ec2.internet_gateway.main]
vpc = "main"

[ec2.eip.nat]

[ec2.nat_gateway.main]
subnet = "a"
allocation = "nat"
depends_on = ["ec2.internet_gateway.main"]

[ec2.security_group.app]
description = "app"
vpc = "main"

[ecr.repository.app]
name = "app"
"#;

/// What others have in a network is named before anything is changed, and nothing of the stack's own is.
fn blockers() -> Result {
    let account = Account::new();
    let stack = account.folder.path().join("stack.toml");
    fs::write(&stack, NETWORK)?;
    account.json(&["apply", "stack.toml", "--auto-approve"])?;
    let quiet = account.up(&["destroy", "stack.toml"])?;
    if quiet.code != 3 || quiet.stderr.contains("warning: AWS refuses") {
        return fail(format!("something of its own blocks it: {quiet:?}"));
    }
    let strange = account.python(
        r#"
ec2, ecr = aws("ec2"), aws("ecr")
vpc, app = id("ec2.vpc.main"), id("ec2.security_group.app")
subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.9.0/24")["Subnet"]["SubnetId"]
group = ec2.create_security_group(GroupName="strange", Description="strange", VpcId=vpc)["GroupId"]
pair = [{"GroupId": app}]
ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[{"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "UserIdGroupPairs": pair}])
eni = ec2.create_network_interface(SubnetId=id("ec2.subnet.a"), Description="a bastion")["NetworkInterface"]["NetworkInterfaceId"]
for tag in ("1", "2"):  # of one image
    ecr.put_image(repositoryName="app", imageTag=tag, imageManifest=json.dumps({"schemaVersion": 2, "mediaType": "x", "config": {}, "layers": []}))
print(subnet, group, eni, end="")
"#,
    )?;
    let [subnet, group, eni] = strange.split(' ').collect::<Vec<_>>()[..] else { return fail(strange) };
    let calls = account.calls()?.len();
    for options in [&["destroy", "stack.toml"][..], &["destroy", "stack.toml", "--strict", "--auto-approve"]] {
        let ran = account.up(options)?;
        for text in [
            "warning: AWS refuses these deletes until somebody removes what is in the way:".to_owned(),
            format!("{subnet} (of no stack) is in it"),
            format!("{group} (`strange`, of no stack) is in it"),
            format!("a rule of {group} (of no stack) refers to it"),
            format!("{eni} (a bastion) is in it, and is not in the stack"),
            "ecr.repository.app: its only image is deleted with it".to_owned(),
        ] {
            if !ran.stderr.contains(&text) {
                return fail(format!("it does not say {text}: {}", ran.stderr));
            }
        }
        if ran.stderr.contains("NAT Gateway") || ran.code != if options.len() == 2 { 3 } else { 6 } {
            return fail(format!("it ended with {}: {}", ran.code, ran.stderr));
        }
    }
    if let Some((call, _)) = account.calls()?[calls..].iter().find(|(_, mutating)| *mutating) {
        return fail(format!("it made {call}"));
    }
    account.python(&format!(
        r#"
ec2 = aws("ec2")
ec2.delete_network_interface(NetworkInterfaceId="{eni}")
ec2.delete_security_group(GroupId="{group}")
ec2.delete_subnet(SubnetId="{subnet}")
"#
    ))?;
    let answer = account.json(&["destroy", "stack.toml", "--auto-approve"])?;
    let blocks = |it: &Value| it["blocks"] == true;
    match answer["remarks"].as_array() {
        Some(remarks) if remarks.len() == 1 && !remarks.iter().any(blocks) => Ok(()),
        _ => fail(format!("its remarks are {}", answer["remarks"])),
    }
}

/// A log group that a service of AWS makes again while the destroy goes on is found by the last look.
fn proven() -> Result {
    let account = Account::new();
    fs::write(account.folder.path().join("stack.toml"), BYSTANDER)?;
    account.json(&["apply", "stack.toml", "--auto-approve"])?;
    let hold = json!({ "match": { "operation": "DeleteVpc" }, "do": { "hold": "after" } });
    account.plant(&json!([hold]))?;
    let mut command = Command::new(UP);
    command.args(["destroy", "stack.toml", "--auto-approve", "--settle", "2s"]).current_dir(account.folder.path());
    command.env_remove("AWS_PROFILE").envs(account.environment()).stderr(Stdio::piped()).stdout(Stdio::null());
    let run = command.spawn()?;
    if !account.is_held(30)? {
        return fail("it does not come to DeleteVpc");
    }
    account.python(
        r#"
import time
logs = aws("logs")
while logs.describe_log_groups()["logGroups"]:
    time.sleep(0.1)
logs.create_log_group(logGroupName="bullstra-app")
"#,
    )?;
    account.release("go_on")?;
    account.unplant()?;
    let ended = run.wait_with_output()?;
    let said = String::from_utf8_lossy(&ended.stderr);
    if ended.status.code() != Some(1)
        || !said.contains("still there, though deleted:\n       logs.log_group.app (bullstra-app)")
    {
        return fail(format!("it ended with {}: {said}", ended.status));
    }
    if said.contains("Nothing of the stack is left") {
        return fail(format!("it says that nothing is left: {said}"));
    }
    Ok(())
}
