//! Services that something else deploys: CI registers revisions, with our tags copied or without, and moves the service.

use std::fs;

use libtest_mimic::Trial;

use crate::{
    harness::{Account, Result, fail},
    life::{Steps, exists, expect},
    trial,
};

/// The one trial there is.
pub(crate) fn trials() -> Vec<Trial> {
    vec![trial("deploys::what_ci_runs_is_left_alone", what_ci_runs_is_left_alone)]
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

/// What CI does: registers a revision of the family with another image, and moves the service to it.
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

fn what_ci_runs_is_left_alone() -> Result {
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

    // What starts the tasks of CI's revision stays until the last of them has stopped.
    let so_far = account.calls()?.len();
    account.json(&["destroy", &stack, "--auto-approve"])?;
    let calls = &account.calls()?[so_far..];
    let at = |name: &str| calls.iter().position(|(call, _)| call == name).ok_or(format!("no {name}: {calls:?}"));
    if at("ecs:DeleteService")? > at("iam:DeleteRole")? {
        return fail("the role went before the service");
    }
    let left: Vec<_> = exists(&account)?.difference(&before).cloned().collect();
    // What CI has registered is CI's, with copied tags and without.
    let are_ci_s = left.len() == 3 && left.iter().all(|(kind, _)| kind == "ecs.task_definition");
    if are_ci_s { Ok(()) } else { fail(format!("left behind: {left:?}")) }
}
