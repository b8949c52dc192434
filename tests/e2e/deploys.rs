//! Services that are deployed by others: CI registers revisions, with our tags copied or without, and updates the
//! service.

use std::fs;

use libtest_mimic::Trial;

use crate::{
    harness::{Account, Result, fail},
    life::{Steps, exists, expect},
    trial,
};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("deploys::revisions_that_ci_deploys_are_left_alone", revisions_that_ci_deploys_are_left_alone),
        trial("deploys::weights_that_a_deployment_moves_stay", weights_that_a_deployment_moves_stay),
    ]
}

const STACK: &str = r#"
[stack]
name = "deploys"
region = "us-east-1"

[ec2.vpc.main]
cidr_block = "10.40.0.0/16"

[ec2.subnet.a]
vpc = "main"
availability_zone = "us-east-1a"
cidr_block = "10.40.0.0/24"

[ecs.cluster.main]
capacity_providers = ["FARGATE"]

[iam.role.execution]
assume_role_policy_document = { Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "ecs-tasks.amazonaws.com" } }] }

[ecs.task_definition.web]
cpu = 256
memory = 512
execution_role = "execution"
containers = [{ name = "web", image = "public.ecr.aws/nginx/nginx:1.29" }]

[ecs.service.one]
cluster = "main"
task_definition = "web"
launch_type = "FARGATE"
network_configuration = { subnets = ["a"] }
ignore_changes = ["task_definition"]
"#;

/// CI's deployment: registers a revision of the family with another image, and updates the service to it.
const DEPLOY: &str = r#"
import time
ecs = aws("ecs")
[cluster] = ecs.list_clusters()["clusterArns"]
[service] = ecs.list_services(cluster=cluster)["serviceArns"]
[before] = ecs.describe_services(cluster=cluster, services=[service])["services"]
family = before["taskDefinition"].rpartition(":")[0]
first = ecs.describe_task_definition(taskDefinition=f"{family}:1", include=["TAGS"])
keep = ("family", "containerDefinitions", "cpu", "memory", "networkMode", "requiresCompatibilities", "executionRoleArn")
given = {key: first["taskDefinition"][key] for key in keep}
given["containerDefinitions"][0]["image"] = "public.ecr.aws/nginx/nginx:IMAGE"
made = ecs.register_task_definition(**given, tags=first["tags"] if COPIED else [])["taskDefinition"]["taskDefinitionArn"]
ecs.update_service(cluster=cluster, service=service, taskDefinition=made)
for _ in range(200):
    [now] = ecs.describe_services(cluster=cluster, services=[service])["services"]
    if len(now["deployments"]) == 1:
        break
    time.sleep(0.05)
"#;

/// Fails unless the service runs an active revision with this image.
const RUNS: &str = r#"
ecs = aws("ecs")
[cluster] = ecs.list_clusters()["clusterArns"]
[service] = ecs.describe_services(cluster=cluster, services=ecs.list_services(cluster=cluster)["serviceArns"])["services"]
runs = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
image = runs["containerDefinitions"][0]["image"]
assert runs["status"] == "ACTIVE" and image.endswith(":IMAGE"), (runs["taskDefinitionArn"], runs["status"], image)
"#;

fn revisions_that_ci_deploys_are_left_alone() -> Result {
    let account = Account::new();
    let folder = account.folder.path();
    let stack = folder.join("stack.toml");
    fs::write(&stack, STACK)?;
    let stack = stack.display().to_string();
    let before = exists(&account)?;
    let nothing = || expect(&account.json(&["plan", &stack])?, &Steps::new());
    let apply = || account.json(&["apply", &stack, "--auto-approve"]);

    apply()?;
    for (image, is_copied) in [("1.30", false), ("1.31", true), ("1.32", true)] {
        let copied = if is_copied { "True" } else { "False" };
        account.python(&DEPLOY.replace("IMAGE", image).replace("COPIED", copied))?;
        nothing().map_err(|error| format!("after {image} was deployed: {error}"))?;
        apply()?;
        nothing().map_err(|error| format!("after an apply on {image}: {error}"))?;
        fs::remove_dir_all(folder.join("state"))?;
        nothing().map_err(|error| format!("without state, on {image}: {error}"))?;
        apply()?;
        account.python(&RUNS.replace("IMAGE", image))?;
    }

    // The role that starts tasks of CI's revision stays until the last of them has stopped.
    let so_far = account.calls()?.len();
    account.json(&["destroy", &stack, "--auto-approve"])?;
    let calls = &account.calls()?[so_far..];
    let at = |name: &str| calls.iter().position(|(call, _)| call == name).ok_or(format!("no {name}: {calls:?}"));
    if at("ecs:DeleteService")? > at("iam:DeleteRole")? {
        return fail("the role went before the service");
    }
    let left: Vec<_> = exists(&account)?.difference(&before).cloned().collect();
    // Revisions that CI registered are CI's, with copied tags and without.
    let are_ci_s = left.len() == 3 && left.iter().all(|(kind, _)| kind == "ecs.task_definition");
    if are_ci_s { Ok(()) } else { fail(format!("left behind: {left:?}")) }
}

/// A service that is deployed blue/green through the rule `service`; `manual` is a user's own pair of groups.
const BLUE_GREEN: &str = r#"
[stack]
name = "shifts"
region = "us-east-1"

[ec2.vpc.main]
cidr_block = "10.41.0.0/16"

[ec2.internet_gateway.main]
vpc = "main"

[ec2.subnet.a]
vpc = "main"
availability_zone = "us-east-1a"
cidr_block = "10.41.0.0/24"

[ec2.subnet.b]
vpc = "main"
availability_zone = "us-east-1b"
cidr_block = "10.41.1.0/24"

[elbv2.load_balancer.main]
subnets = ["a", "b"]

[elbv2.listener.http]
load_balancer = "main"
port = 80
protocol = "HTTP"
default_actions = [{ fixed_response = { status_code = 404 } }]

[elbv2.target_group.main]
for_each = ["blue", "green", "old", "new"]
vpc = "main"
protocol = "HTTP"
port = 8080
target_type = "ip"

[elbv2.rule.service]
listener = "http"
priority = 1
conditions = [{ path_pattern = ["PATH"] }]
actions = [{ forward = { target_groups = [{ target_group = "main:blue", weight = 100 }, { target_group = "main:green", weight = 0 }] } }]

[elbv2.rule.manual]
listener = "http"
priority = 2
conditions = [{ path_pattern = ["/manual/*"] }]
actions = [{ forward = { target_groups = [{ target_group = "main:old", weight = 100 }, { target_group = "main:new", weight = 0 }] } }]

[ecs.cluster.main]
capacity_providers = ["FARGATE"]

[iam.role.balancers]
assume_role_policy_document = { Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "ecs.amazonaws.com" } }] }

[ecs.task_definition.web]
cpu = 256
memory = 512
containers = [{ name = "web", image = "public.ecr.aws/nginx/nginx:IMAGE", port_mappings = [{ container_port = 8080 }] }]

[ecs.service.web]
cluster = "main"
task_definition = "web"
launch_type = "FARGATE"
network_configuration = { subnets = ["a"] }
deployment_configuration = { strategy = "BLUE_GREEN", bake_time_in_minutes = 0 }

[[ecs.service.web.load_balancers]]
target_group = "main:blue"
container_name = "web"
container_port = 8080
advanced_configuration = { alternate_target_group = "main:green", production_listener_rule = "service", role = "balancers" }
"#;

/// Prints the weights of a rule, those of blue and of old first.
const WEIGHTS: &str = r#"
elb = aws("elbv2")
[rule] = elb.describe_rules(RuleArns=[id("elbv2.rule.RULE")])["Rules"]
shares = {share["TargetGroupArn"]: share["Weight"] for share in rule["Actions"][0]["ForwardConfig"]["TargetGroups"]}
names = ("blue", "green") if "RULE" == "service" else ("old", "new")
print(*(shares[id(f"elbv2.target_group.main:{name}")] for name in names), end="")
"#;

/// Another deployment, and a user who changes weights by hand.
const SHIFT: &str = r#"
import time
ecs, elb = aws("ecs"), aws("elbv2")
cluster = id("ecs.cluster.main")
ecs.update_service(cluster=cluster, service=id("ecs.service.web"), forceNewDeployment=True)
for _ in range(200):
    [now] = ecs.describe_services(cluster=cluster, services=[id("ecs.service.web")])["services"]
    if len(now["deployments"]) == 1:
        break
    time.sleep(0.05)
shares = [{"TargetGroupArn": id(f"elbv2.target_group.main:{name}"), "Weight": 50} for name in ("old", "new")]
elb.modify_rule(RuleArn=id("elbv2.rule.manual"), Actions=[{"Type": "forward", "ForwardConfig": {"TargetGroups": shares}}])
"#;

/// Weights that ECS has shifted stay in every update; weights that a user has changed are restored.
fn weights_that_a_deployment_moves_stay() -> Result {
    let account = Account::new();
    let stack = account.folder.path().join("stack.toml");
    let write = |path: &str, image: &str| {
        fs::write(&stack, BLUE_GREEN.replace("PATH", path).replace("IMAGE", image))?;
        Ok::<_, crate::harness::TestError>(stack.display().to_string())
    };
    let apply = |stack: &str| account.json(&["apply", stack, "--auto-approve"]);
    let weights = |rule: &str, expected: &str| {
        let found = account.python(&WEIGHTS.replace("RULE", rule))?;
        if found == expected { Ok(()) } else { fail(format!("the weights of {rule}: {found}, not {expected}")) }
    };

    let file = write("/*", "1.29")?;
    apply(&file)?;
    weights("service", "100 0")?;
    account.python(SHIFT)?;
    weights("service", "0 100")?;
    let of_rules = |rules: &[&str]| {
        let rules = rules.iter().map(|rule| format!("elbv2.rule.{rule}")).collect();
        Steps::from([("update".to_owned(), rules)])
    };
    expect(&account.json(&["plan", &file])?, &of_rules(&["manual"]))?;
    let file = write("/web/*", "1.29")?;
    expect(&account.json(&["plan", &file])?, &of_rules(&["manual", "service"]))?;
    apply(&file)?;
    weights("service", "0 100")?;
    weights("manual", "100 0")?;

    let file = write("/web/*", "1.30")?;
    apply(&file)?;
    weights("service", "100 0")?;
    expect(&account.json(&["plan", &file])?, &Steps::new())?;
    account.json(&["destroy", &file, "--auto-approve"])?;
    Ok(())
}
