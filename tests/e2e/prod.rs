//! Bullstra's production as a whole: created, planned empty, changed, renamed, replaced and destroyed.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use libtest_mimic::Trial;
use serde_json::Value;

use crate::{
    harness::{Account, Result, copy_stacks, edit, fail, golden, root},
    life::{Steps, exists, expect, steps},
    trial,
};

/// The tests, each in an account of its own.
pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("prod::is_created_and_destroyed", is_created_and_destroyed),
        trial("prod::a_first_day", || a_first_day("prod", "2026.11.0", 3)),
        trial("prod::a_first_day_of_qa", || a_first_day("qa", "latest-qa", 1)),
        trial("prod::inputs_plan_the_expected_steps", inputs_plan_the_expected_steps),
        trial("prod::renames_and_removals", renames_and_removals),
        trial("prod::a_rule_always_has_a_target_group", a_rule_always_has_a_target_group),
    ]
}

/// A copy of the stacks, and an account.
struct Production {
    account: Account,
    stack: String,
}

impl Production {
    fn new() -> Result<Self> {
        Self::of("prod")
    }

    fn of(name: &str) -> Result<Self> {
        let account = Account::new();
        let stack = copy_stacks(&account)?.with_file_name(format!("{name}.toml"));
        Ok(Self { account, stack: stack.display().to_string() })
    }

    fn run(&self, command: &str, options: &[&str]) -> Result<Value> {
        self.account.json(&[&[command, &self.stack], options].concat())
    }

    fn apply(&self) -> Result<Value> {
        self.run("apply", &["--auto-approve", "--unprotect"])
    }

    /// Applies the stack, pushes the images, and starts the tasks.
    fn stand(&self) -> Result {
        self.apply()?;
        self.push("2026.11.0")?;
        self.apply().map(drop)
    }

    /// Pushes an image to every repository.
    fn push(&self, tag: &str) -> Result {
        self.account.python(&PUSH.replace("TAG", tag)).map(drop)
    }

    fn edit(&self, file: &str, from: &str, to: &str) -> Result {
        edit(&self.account.folder.path().join("stacks").join(file), from, to)
    }
}

fn is_created_and_destroyed() -> Result {
    let stage = Production::new()?;
    let before = exists(&stage.account)?;
    let applied = stage.apply()?;
    let made = applied["summary"]["create"].as_u64().ok_or("a summary without a count")?;
    if made < 120 {
        return fail(format!("only {made} resources"));
    }

    stage.stand()?;
    let calls = stage.account.calls()?.len();
    stage.apply()?;
    fs::remove_dir_all(stage.account.folder.path().join("state"))?;
    stage.apply()?;
    let since = &stage.account.calls()?[calls..];
    let changing: Vec<_> = since.iter().filter(|(_, mutating)| *mutating).collect();
    if !changing.is_empty() {
        return fail(format!("an apply with nothing to do made {changing:?}"));
    }

    let plan = stage.run("plan", &[])?;
    expect(&plan, &Steps::new())?;
    let calls = plan["api_calls"]["total"].as_u64().ok_or("a plan without its calls")?;
    if calls > 60 {
        return fail(format!("a plan took {calls} calls: {}", plan["api_calls"]["by_operation"]));
    }

    stage.run("destroy", &["--auto-approve", "--unprotect"])?;
    let left: Vec<_> = exists(&stage.account)?.difference(&before).cloned().collect();
    if left.is_empty() { Ok(()) } else { fail(format!("left behind after destroy: {left:?}")) }
}

/// One apply creates everything in an empty account although the new repositories are empty: services wait without
/// tasks, and the plan says for which images. Once the images are pushed, the same apply starts the tasks; a deployment
/// that then fails is repeated, and the service stays.
fn a_first_day(name: &str, tag: &str, count: u64) -> Result {
    let stage = Production::of(name)?;
    let services = ["billing", "inventory", "notifications", "orders", "shipments", "tracking"];
    let services: BTreeSet<_> = services.iter().map(|name| format!("service:{name}/ecs.service.main")).collect();
    let all = Steps::from([("update".to_owned(), services.clone())]);

    stage.apply()?;
    let waits = stage.run("plan", &[])?;
    expect(&waits, &Steps::new())?;
    let notices = waits["notices"].as_array().into_iter().flatten();
    let told: BTreeSet<_> = notices
        .filter(|notice| notice["message"].as_str().is_some_and(|message| message.contains(tag)))
        .filter_map(|notice| notice["address"].as_str().map(str::to_owned))
        .collect();
    if told != services {
        return fail(format!("the plan does not say what services wait for: {}", waits["notices"]));
    }

    stage.push(tag)?;
    expect(&stage.run("plan", &[])?, &all)?;
    stage.apply()?;
    expect(&stage.run("plan", &[])?, &Steps::new())?;
    let running = stage.account.python(RUNNING)?;
    if running.trim() != (6 * count).to_string() {
        return fail(format!("{running} tasks run, and not {count} of each service"));
    }

    stage.account.python(BREAK)?;
    expect(&stage.run("plan", &[])?, &all)?;
    stage.push(tag)?;
    stage.apply()?;
    expect(&stage.run("plan", &[])?, &Steps::new())
}

const PUSH: &str = r#"
manifest = json.dumps({"schemaVersion": 2, "mediaType": "x", "config": {}, "layers": []})
ecr = aws("ecr")
for repository in ecr.describe_repositories()["repositories"]:
    ecr.put_image(repositoryName=repository["repositoryName"], imageTag="TAG", imageManifest=manifest)
"#;

/// The number of tasks that run in the account's only cluster.
const RUNNING: &str = r#"
ecs = aws("ecs")
[cluster] = ecs.list_clusters()["clusterArns"]
services = ecs.list_services(cluster=cluster)["serviceArns"]
print(sum(it["runningCount"] for it in ecs.describe_services(cluster=cluster, services=services)["services"]))
"#;

/// Deletes images, so that a deployment of every service fails.
const BREAK: &str = r#"
import time
ecr, ecs = aws("ecr"), aws("ecs")
for repository in ecr.describe_repositories()["repositories"]:
    name = repository["repositoryName"]
    ecr.batch_delete_image(repositoryName=name, imageIds=ecr.list_images(repositoryName=name)["imageIds"])
[cluster] = ecs.list_clusters()["clusterArns"]
for service in ecs.list_services(cluster=cluster)["serviceArns"]:
    ecs.update_service(cluster=cluster, service=service, forceNewDeployment=True)
for service in ecs.list_services(cluster=cluster)["serviceArns"]:
    for _ in range(600):
        [seen] = ecs.describe_services(cluster=cluster, services=[service])["services"]
        if [it["rolloutState"] for it in seen["deployments"] if it["status"] == "PRIMARY"] == ["FAILED"]:
            break
        time.sleep(0.05)
"#;

/// Changing an input plans exactly the steps in `tests/prod/<input>.txt`.
fn inputs_plan_the_expected_steps() -> Result {
    let stage = Production::new()?;
    stage.stand()?;
    let changes = [
        ("cidr", "10.21.0.0/16"),
        ("database_class", "db.r7g.xlarge"),
        ("desired_count", "5"),
        ("image_tag", "2026.12.0"),
    ];
    for (input, value) in changes {
        let plan = stage.run("plan", &["--unprotect", &format!("--set={input}={value}")])?;
        golden(&root().join(format!("tests/prod/{input}.txt")), &lines(&plan))?;
    }
    Ok(())
}

/// One line for each step: verb, address, and the fields that differ.
fn lines(plan: &Value) -> String {
    let steps = plan["steps"].as_array().into_iter().flatten().filter(|step| step["verb"].is_string());
    let line = |step: &Value| {
        let fields: Vec<_> =
            step["changes"].as_array().into_iter().flatten().filter_map(|change| change["field"].as_str()).collect();
        let text = |key: &str| step[key].as_str().unwrap_or_default().to_owned();
        format!("{} {} {}", text("verb"), text("address"), fields.join(" ")).trim_end().to_owned() + "\n"
    };
    steps.map(line).collect()
}

fn renames_and_removals() -> Result {
    let stage = Production::new()?;
    stage.stand()?;
    stage.edit("modules/vpc.toml", "[ec2.security_group.endpoints]", "[ec2.security_group.private_links]")?;
    stage.edit("modules/vpc.toml", "security_groups = [\"endpoints\"]", "security_groups = [\"private_links\"]")?;
    stage.edit("modules/kafka.toml", "logs.log_group.brokers", "logs.log_group.kafka")?;
    let dynamodb = "[ec2.vpc_endpoint.dynamodb]\nvpc = \"main\"\nservice_name = \"com.amazonaws.${stack.region}.dynamodb\"\nroute_tables = [\"private:*\"]\n";
    stage.edit("modules/vpc.toml", dynamodb, "")?;
    let expected = Steps::from([
        ("retag".into(), ["kafka/logs.log_group.kafka", "vpc/ec2.security_group.private_links"].map(Into::into).into()),
        ("delete".into(), ["vpc/ec2.vpc_endpoint.dynamodb".into()].into()),
    ]);
    expect(&stage.run("plan", &[])?, &expected)?;
    stage.apply()?;
    expect(&stage.run("plan", &[])?, &Steps::new())
}

/// A replaced target group: the new one is created, the rule moves to it, and only then the old one is deleted.
fn a_rule_always_has_a_target_group() -> Result {
    let stage = Production::new()?;
    stage.stand()?;
    let calls = stage.account.calls()?.len();
    stage.edit(
        "modules/service.toml",
        "protocol = \"HTTP\"\nport = \"${inputs.port}\"",
        "protocol = \"HTTP\"\nport = 9090",
    )?;
    let found = steps(&stage.run("plan", &[])?);
    let count = |verb: &str| found.get(verb).map_or(0, |addresses| addresses.len());
    if (count("replace"), count("update")) != (6, 12) {
        return fail(format!("six target groups are replaced, their rules and services follow: {found:?}"));
    }
    stage.apply()?;
    let calls = &stage.account.calls()?[calls..];
    let mut open = BTreeMap::from([("made", 0), ("moved", 0)]);
    for (call, _) in calls {
        match call.as_str() {
            "elbv2:CreateTargetGroup" => *open.entry("made").or_default() += 1,
            "elbv2:ModifyRule" => *open.entry("moved").or_default() += 1,
            "elbv2:DeleteTargetGroup" if open["made"] == 0 || open["moved"] == 0 => {
                return fail(format!("a target group went before another stood: {calls:?}"));
            }
            "elbv2:DeleteRule" | "elbv2:DeleteListener" => return fail(format!("a rule went: {calls:?}")),
            _ => {}
        }
    }
    expect(&stage.run("plan", &[])?, &Steps::new())
}
