//! Calls that AWS refuses for a moment and accepts later: a role, key or cluster that is not known everywhere yet, and
//! busy resources. Each refusal is simulated once, and the same apply continues.

use std::fs;

use libtest_mimic::Trial;
use serde_json::json;

use crate::{
    faults::refusal,
    harness::{Account, Result, fail},
    life::{Steps, expect},
    trial,
};

/// A test for each service.
pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("late::ecs_ecr_and_logs", ecs_ecr_and_logs),
        trial("late::what_is_wrong_for_good_is_not_waited_for", what_is_wrong_for_good_is_not_waited_for),
    ]
}

const STACK: &str = r#"
[stack]
name = "late"
region = "us-east-1"

[inputs.insights]
type = "string"
default = "disabled"
description = "What the cluster measures."

[inputs.providers]
type = "list(string)"
default = ["FARGATE"]
description = "The cluster's capacity providers."

[ec2.vpc.main]
cidr_block = "10.40.0.0/16"

[ec2.subnet.a]
vpc = "main"
availability_zone = "us-east-1a"
cidr_block = "10.40.0.0/24"

[iam.role.execution]
assume_role_policy_document = { Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "ecs-tasks.amazonaws.com" } }] }

[ecr.repository.main]
repository_policy = { Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "ecr:BatchGetImage", Principal = { AWS = "${iam.role.execution.arn}" } }] }

[logs.log_group.main]
retention_in_days = 7
kms_key_id = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"

[ecs.cluster.main]
settings = { container_insights = "${inputs.insights}" }
capacity_providers = "${inputs.providers}"

[ecs.task_definition.web]
cpu = 256
memory = 512
execution_role = "execution"
containers = [{ name = "web", image = "public.ecr.aws/nginx/nginx:1.29" }]

[ecs.service.web]
cluster = "main"
task_definition = "web"
launch_type = "FARGATE"
network_configuration = { subnets = ["a"] }
"#;

/// AWS's messages; their sources are beside the rows of the services' error tables.
const SAYS: &[(&str, &str, &str, &str)] = &[
    (
        "ecs",
        "CreateCluster",
        "InvalidParameterException",
        "Unable to assume the service linked role. Please verify that the ECS service linked role exists.",
    ),
    ("ecs", "RegisterTaskDefinition", "ClientException", "Role is not valid"),
    ("ecs", "CreateService", "ClusterNotFoundException", "Cluster not found."),
    (
        "ecs",
        "CreateService",
        "InvalidParameterException",
        "Unable to assume the service linked role. Please verify that the ECS service linked role exists.",
    ),
    (
        "ecs",
        "CreateService",
        "InvalidParameterException",
        "Unable to assume role and validate the specified targetGroupArn. Please verify that the ECS service role being passed has the proper permissions.",
    ),
    ("ecs", "UpdateCluster", "ClientException", "Cluster was not ACTIVE"),
    (
        "ecs",
        "PutClusterCapacityProviders",
        "UpdateInProgressException",
        "The specified cluster is in a busy state. Cluster attachments must be in UPDATE_COMPLETE or UPDATE_FAILED state before they can be updated.",
    ),
    ("ecs", "DeleteCluster", "UpdateInProgressException", "The specified cluster is in a busy state."),
    (
        "ecr",
        "SetRepositoryPolicy",
        "InvalidParameterException",
        "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid repository policy provided'",
    ),
    (
        "logs",
        "CreateLogGroup",
        "AccessDeniedException",
        "The specified KMS key does not exist or is not allowed to be used with LogGroup 'x'",
    ),
    (
        "logs",
        "CreateLogGroup",
        "OperationAbortedException",
        "A conflicting operation is currently in progress against this resource. Please try again.",
    ),
    (
        "logs",
        "PutRetentionPolicy",
        "OperationAbortedException",
        "A conflicting operation is currently in progress against this resource. Please try again.",
    ),
    (
        "logs",
        "DeleteLogGroup",
        "OperationAbortedException",
        "A conflicting operation is currently in progress against this resource. Please try again.",
    ),
];

fn ecs_ecr_and_logs() -> Result {
    let account = Account::new();
    let stack = account.folder.path().join("stack.toml");
    fs::write(&stack, STACK)?;
    let stack = stack.display().to_string();
    let once = SAYS.iter().map(|(service, operation, code, message)| refusal(service, operation, 1, code, message));
    account.plant(&once.collect())?;
    let moved = ["--set=insights=enabled", "--set=providers=[\"FARGATE\", \"FARGATE_SPOT\"]"];
    for options in [&[][..], &moved] {
        account.json(&[&["apply", &stack, "--auto-approve"], options].concat())?;
        expect(&account.json(&[&["plan", &stack], options].concat())?, &Steps::new())?;
    }
    account.json(&["destroy", &stack, "--auto-approve", "--unprotect"])?;

    account.each_acted_once()
}

const WRONG: &str = r#"
[stack]
name = "wrong"
region = "us-east-1"

[inputs.second]
type = "string"
default = "10.41.1.0/24"
description = "The block of the second subnet."

[inputs.principal]
type = "string"
default = "arn:aws:iam::123456789012:root"
description = "Who may read the repository."

[ec2.vpc.main]
cidr_block = "10.41.0.0/16"

[ec2.subnet.a]
vpc = "main"
availability_zone = "us-east-1a"
cidr_block = "${inputs.second}"

[ecr.repository.main]
repository_policy = { Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "ecr:BatchGetImage", Principal = { AWS = "${inputs.principal}" } }] }
"#;

/// A policy that names a role which does not exist, and a replacement that AWS refuses.
fn what_is_wrong_for_good_is_not_waited_for() -> Result {
    let account = Account::new();
    let stack = account.folder.path().join("stack.toml");
    fs::write(&stack, WRONG)?;
    let stack = stack.display().to_string();
    account.json(&["apply", &stack, "--auto-approve"])?;
    let policy = "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid repository policy provided'";
    let planted = [
        refusal("ecr", "SetRepositoryPolicy", 1000, "InvalidParameterException", policy),
        refusal("ec2", "CreateSubnet", 1, "InvalidParameterValue", "Value is invalid."),
    ];
    account.plant(&json!(planted))?;
    let principal = "--set=principal=arn:aws:iam::123456789012:role/nobody-at-all";
    let options = ["--set=second=10.41.1.0/25", principal, "--settle=2s"];
    let ran = account.up(&[&["apply", &stack, "--auto-approve"], &options[..]].concat())?;
    let said = format!("{}{}", ran.stdout, ran.stderr);
    let calls = account.planted()?[0]["acted"].as_u64().unwrap_or_default();
    if ran.code == 0 || !said.contains("Invalid repository policy provided") || said.contains("does not yet know") {
        return fail(format!("it ended with {}: {said}", ran.code));
    }
    if !(2..=8).contains(&calls) {
        return fail(format!("the policy was sent {calls} times"));
    }
    if !said.contains("1 resource deleted, and not created again:\n  ec2.subnet.a (subnet-") {
        return fail(format!("it does not name the deleted subnet: {said}"));
    }
    account.unplant()?;
    let ran = account.up(&["plan", &stack])?;
    if ran.stderr.contains("does not list yet") {
        return fail(format!("the plan waited: {}", ran.stderr));
    }
    account.json(&["apply", &stack, "--auto-approve"])?;
    account.json(&["destroy", &stack, "--auto-approve"]).map(drop)
}
