//! Calls that AWS refuses for a moment and accepts later: a role, key or cluster that is not known everywhere yet, and
//! busy resources. Each refusal is simulated once, and the same apply continues.

use std::fs;

use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::{
    harness::{Account, Result, fail},
    life::{Steps, expect},
    trial,
};

/// A test for each service.
pub(crate) fn trials() -> Vec<Trial> {
    vec![trial("late::ecs_ecr_and_logs", ecs_ecr_and_logs)]
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
    let faults = format!("faults?access_key={}", account.id);
    let once = |(service, operation, code, message): &(&str, &str, &str, &str)| {
        let refuse = json!({ "status": 400, "code": code, "message": message });
        json!({ "match": { "service": service, "operation": operation }, "times": 1, "do": { "refuse": refuse } })
    };
    account.tell(&faults, &json!({ "faults": SAYS.iter().map(once).collect::<Vec<Value>>() }))?;
    let moved = ["--set=insights=enabled", "--set=providers=[\"FARGATE\", \"FARGATE_SPOT\"]"];
    for options in [&[][..], &moved] {
        account.json(&[&["apply", &stack, "--auto-approve"], options].concat())?;
        expect(&account.json(&[&["plan", &stack], options].concat())?, &Steps::new())?;
    }
    account.json(&["destroy", &stack, "--auto-approve", "--unprotect"])?;

    let sets = account.control(&faults)?;
    let sets = sets["faults"].as_array().into_iter().flatten();
    let ours = sets.filter(|set| set["access_key"] == account.id.as_str()).flat_map(|set| set["faults"].as_array());
    let unheard: Vec<_> = ours.flatten().filter(|fault| fault["acted"] != 1).collect();
    account.tell(&faults, &json!({ "faults": [] }))?;
    if unheard.is_empty() { Ok(()) } else { fail(format!("never said: {unheard:?}")) }
}
