//! Simulated answers of AWS: problems of databases and brokers, and temporary refusals.

use std::fs;

use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::{
    harness::{Account, Result, copy_stacks, fail},
    life::{Steps, exists, expect},
    trial,
};

/// The tests, each in an account of its own.
pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("played::full_storage_is_solved_by_more_storage", full_storage_is_solved_by_more_storage),
        trial("played::no_problem_deletes_a_database", no_problem_deletes_a_database),
        trial(
            "played::changes_waiting_for_the_maintenance_window_are_shown",
            changes_waiting_for_the_maintenance_window_are_shown,
        ),
        trial("played::no_problem_deletes_a_cluster", no_problem_deletes_a_cluster),
        trial("played::a_static_parameter_tells_of_the_reboot", a_static_parameter_tells_of_the_reboot),
        trial("played::irreversible_changes_are_refused", irreversible_changes_are_refused),
        trial("played::production_survives_first_refusals", production_survives_first_refusals),
    ]
}

const STACK: &str = r#"
[stack]
name = "played"
region = "us-east-1"

[inputs]
size = { type = "number", default = 20, description = "GiB of storage." }
class = { type = "string", default = "db.t4g.micro", description = "The machine." }
version = { type = "string", default = "16.13", description = "The engine's version." }
auto = { type = "bool", default = false, description = "Newer minor versions." }

[ec2.vpc.main]
cidr_block = "10.34.0.0/16"

[ec2.subnet.data]
for_each = { a = 0, b = 1 }
vpc = "main"
availability_zone = "us-east-1${each.key}"
cidr_block = '${cidrsubnet("10.34.0.0/16", 8, each.value)}'

[ec2.security_group.data]
vpc = "main"
description = "data"

[rds.subnet_group.main]
subnets = ["data:*"]

[rds.instance.main]
engine = "postgres"
engine_version = "${inputs.version}"
auto_minor_version_upgrade = "${inputs.auto}"
instance_class = "${inputs.class}"
allocated_storage = "${inputs.size}"
subnet_group = "main"
security_groups = ["data"]
master_username = "keeper"
skip_final_snapshot = true
"#;
const DATABASE: &str = "rds.instance.main";

/// The applied stack with the database.
struct DatabaseStack {
    account: Account,
    stack: String,
}

impl DatabaseStack {
    fn new(set: &[&str]) -> Result<Self> {
        let account = Account::new();
        let stack = account.folder.path().join("stack.toml");
        fs::write(&stack, STACK)?;
        let stage = Self { account, stack: stack.display().to_string() };
        stage.run("apply", &[set, &["--auto-approve"]].concat())?;
        Ok(stage)
    }

    fn run(&self, command: &str, options: &[&str]) -> Result<Value> {
        self.account.json(&[&[command, &self.stack], options].concat())
    }

    /// Simulates a state of the database, and returns the plan's notice.
    fn plays(&self, state: &str) -> Result<Value> {
        self.account.python(&format!(
            "[db] = aws('rds').describe_db_instances(DBInstanceIdentifier=id('{DATABASE}'))['DBInstances']\n\
             played = [{{'Key': 'sandbox:state', 'Value': '{state}'}}]\n\
             aws('rds').add_tags_to_resource(ResourceName=db['DBInstanceArn'], Tags=played)"
        ))?;
        self.run("plan", &[])
    }

    /// A member of the live database.
    fn live(&self, member: &str) -> Result<String> {
        let text = self.account.python(&format!(
            "print(aws('rds').describe_db_instances(DBInstanceIdentifier=id('{DATABASE}'))['DBInstances'][0].get('{member}'))"
        ))?;
        Ok(text.trim().to_owned())
    }

    fn is_gone(&self) -> Result {
        self.run("destroy", &["--auto-approve"]).map(drop)
    }
}

fn update() -> Steps {
    Steps::from([("update".into(), [DATABASE.to_owned()].into())])
}

fn says(plan: &Value, text: &str) -> Result {
    let all = plan.to_string();
    if all.contains(text) { Ok(()) } else { fail(format!("the plan does not say `{text}`: {all}")) }
}

fn full_storage_is_solved_by_more_storage() -> Result {
    let stage = DatabaseStack::new(&[])?;
    let plan = stage.plays("storage-full")?;
    expect(&plan, &Steps::new())?;
    says(&plan, "raise `allocated_storage`")?;
    expect(&stage.run("plan", &["--set=size=40"])?, &update())?;
    stage.run("apply", &["--set=size=40", "--auto-approve"])?;
    let (status, size) = (stage.live("DBInstanceStatus")?, stage.live("AllocatedStorage")?);
    if (status.as_str(), size.as_str()) != ("available", "40") {
        return fail(format!("it is {status} with {size} GiB"));
    }
    expect(&stage.run("plan", &["--set=size=40"])?, &Steps::new())?;
    stage.is_gone()
}

fn no_problem_deletes_a_database() -> Result {
    let stage = DatabaseStack::new(&[])?;
    let troubles = [
        "failed",
        "inaccessible-encryption-credentials",
        "inaccessible-encryption-credentials-recoverable",
        "incompatible-credentials",
        "incompatible-network",
        "incompatible-option-group",
        "incompatible-parameters",
        "incompatible-restore",
        "insufficient-capacity",
        "restore-error",
        "stopped",
        "storage-full",
    ];
    for state in troubles {
        let plan = stage.plays(state)?;
        expect(&plan, &Steps::new()).map_err(|error| format!("{state}: {error}"))?;
        says(&plan, state)?;
    }
    // A database that cannot leave a snapshot is deleted all the same.
    stage.plays("incompatible-network")?;
    stage.is_gone()
}

const CLUSTER: &str = r#"
[stack]
name = "broken"
region = "us-east-1"

[ec2.vpc.main]
cidr_block = "10.35.0.0/16"

[ec2.subnet.data]
for_each = { a = 0, b = 1 }
vpc = "main"
availability_zone = "us-east-1${each.key}"
cidr_block = '${cidrsubnet("10.35.0.0/16", 8, each.value)}'

[ec2.security_group.data]
vpc = "main"
description = "data"

[kafka.cluster.main]
kafka_version = "3.8.x"
number_of_broker_nodes = 2
instance_type = "kafka.m7g.large"
client_subnets = ["data:*"]
security_groups = ["data"]
ebs_storage = { volume_size = 100 }
client_authentication = { sasl_iam = true }

[ssm.parameter.brokers]
name = "/broken/brokers"
type = "String"
value = "${kafka.cluster.main.bootstrap_brokers_sasl_iam}"
"#;

/// A cluster that was active and has failed stays, and so does what others know of it; deleted by hand, it is made again.
fn no_problem_deletes_a_cluster() -> Result {
    let account = Account::new();
    let stack = account.folder.path().join("stack.toml");
    fs::write(&stack, CLUSTER)?;
    let stack = stack.display().to_string();
    account.json(&["apply", &stack, "--auto-approve"])?;
    account
        .python("aws('kafka').tag_resource(ResourceArn=id('kafka.cluster.main'), Tags={'sandbox:state': 'FAILED'})")?;
    for command in [&["plan", &stack][..], &["apply", &stack, "--auto-approve"]] {
        let plan = account.json(command)?;
        says(&plan, "aws kafka delete-cluster")?;
    }
    expect(&account.json(&["plan", &stack])?, &Steps::new())?;
    account.python(
        "import time\n\
         kafka, cluster = aws('kafka'), id('kafka.cluster.main')\n\
         kafka.delete_cluster(ClusterArn=cluster)\n\
         while kafka.list_clusters_v2()['ClusterInfoList']:\n    time.sleep(0.1)",
    )?;
    account.json(&["apply", &stack, "--auto-approve"])?;
    expect(&account.json(&["plan", &stack])?, &Steps::new())?;
    account.json(&["destroy", &stack, "--auto-approve"]).map(drop)
}

fn a_static_parameter_tells_of_the_reboot() -> Result {
    let account = Account::new();
    let stack = account.folder.path().join("stack.toml");
    let text = "[stack]\nname = \"static\"\nregion = \"us-east-1\"\n\n\
                [inputs.most]\ntype = \"string\"\ndefault = \"100\"\ndescription = \"Connections.\"\n\n\
                [inputs.log]\ntype = \"string\"\ndefault = \"all\"\ndescription = \"Statements.\"\n\n\
                [rds.parameter_group.main]\nfamily = \"postgres16\"\n\
                parameters = { max_connections = \"${inputs.most}\", log_statement = \"${inputs.log}\" }\n";
    fs::write(&stack, text)?;
    let stack = stack.display().to_string();
    account.json(&["apply", &stack, "--auto-approve"])?;
    let told = "takes effect with the next reboot of the DB instances that use the group (`aws rds reboot-db-instance`): `max_connections`";
    for command in ["plan", "apply"] {
        let approve: &[&str] = if command == "apply" { &["--auto-approve"] } else { &[] };
        says(&account.json(&[&[command, &stack, "--set=most=200"], approve].concat())?, told)?;
    }
    let other = account.json(&["apply", &stack, "--set=most=200", "--set=log=none", "--auto-approve"])?.to_string();
    if other.contains("reboot") {
        return fail(format!("nothing waits for a reboot: {other}"));
    }
    account.json(&["destroy", &stack, "--auto-approve"]).map(drop)
}

fn changes_waiting_for_the_maintenance_window_are_shown() -> Result {
    let stage = DatabaseStack::new(&[])?;
    stage.account.python(&format!(
        "aws('rds').modify_db_instance(DBInstanceIdentifier=id('{DATABASE}'), DBInstanceClass='db.t4g.small')"
    ))?;
    let plan = stage.run("plan", &[])?;
    expect(&plan, &Steps::new())?;
    says(&plan, "waits for the maintenance window: `instance_class` db.t4g.small")?;
    let small = "--set=class=db.t4g.small";
    expect(&stage.run("plan", &[small])?, &update())?;
    stage.run("apply", &[small, "--auto-approve"])?;
    let class = stage.live("DBInstanceClass")?;
    if class != "db.t4g.small" {
        return fail(format!("its class is {class}"));
    }
    expect(&stage.run("plan", &[small])?, &Steps::new())?;
    stage.is_gone()
}

fn irreversible_changes_are_refused() -> Result {
    let stage = DatabaseStack::new(&[])?;
    let older = ["--set=version=16.11", "--set=auto=false"];
    let refused = |set: &[&str], text: &str| {
        let ran = stage.account.up(&[&["plan", &stage.stack], set].concat())?;
        let said = format!("{}{}", ran.stdout, ran.stderr);
        if ran.code == 6 && said.contains(text) { Ok(()) } else { fail(format!("it ended with {}: {said}", ran.code)) }
    };
    refused(&older, "write `engine_version = \"16.13\"`")?;
    refused(&["--set=version=17.9"], "allow_major_version_upgrade")?;
    expect(&stage.run("plan", &["--set=version=16.11", "--set=auto=true"])?, &update())?;
    stage.run("apply", &["--set=version=16.11", "--set=auto=true", "--auto-approve"])?;
    expect(&stage.run("plan", &["--set=version=16.11", "--set=auto=true"])?, &Steps::new())?;
    stage.run("apply", &["--set=size=30", "--auto-approve"])?;
    refused(&["--set=size=20"], "write `allocated_storage = 30`")?;
    stage.is_gone()
}

/// Each refusal is simulated once, as AWS refuses calls for new or busy resources.
fn production_survives_first_refusals() -> Result {
    let account = Account::new();
    let stack = copy_stacks(&account)?.display().to_string();
    let before = exists(&account)?;
    let refusals = [
        ("rds", "CreateDBSubnetGroup", "InvalidSubnet", "The subnet ID 'subnet-1' does not exist"),
        (
            "rds",
            "CreateDBInstance",
            "InvalidParameterValue",
            "IAM role ARN value is invalid or does not include the required permissions for: ENHANCED_MONITORING",
        ),
        (
            "rds",
            "CreateDBInstance",
            "InvalidParameterValue",
            "Unable to create the resource. Verify that you have permission to create service linked role. Otherwise wait and try again later",
        ),
        (
            "rds",
            "ModifyDBParameterGroup",
            "InvalidDBParameterGroupState",
            "The parameter group has pending changes. Please wait for the changes to complete and try again.",
        ),
        (
            "rds",
            "DeleteDBParameterGroup",
            "InvalidDBParameterGroupState",
            "One or more database instances are still members",
        ),
        ("rds", "ModifyDBInstance", "InvalidDBInstanceState", "Database instance is not in available state."),
        ("rds", "DeleteDBInstance", "InvalidDBInstanceState", "Instance is currently modifying."),
        (
            "kafka",
            "CreateClusterV2",
            "BadRequestException",
            "One or more of the specified security groups do not exist.",
        ),
        ("kafka", "DeleteCluster", "BadRequestException", "You can't delete cluster in UPDATING state."),
        ("kafka", "DeleteConfiguration", "BadRequestException", "Configuration is in use by one or more clusters."),
    ];
    let faults: Vec<_> = refusals
        .iter()
        .map(|(service, operation, code, message)| {
            json!({
                "match": { "service": service, "operation": operation },
                "times": 1,
                "do": { "say": { "code": code, "message": message } },
            })
        })
        .collect();
    account.plant_with_seed(0, &json!(faults))?;
    account.json(&["apply", &stack, "--auto-approve", "--unprotect"])?;
    expect(&account.json(&["plan", &stack])?, &Steps::new())?;
    account.json(&["destroy", &stack, "--auto-approve", "--unprotect"])?;
    account.each_acted_once()?;
    let left: Vec<_> = exists(&account)?.difference(&before).cloned().collect();
    if left.is_empty() { Ok(()) } else { fail(format!("left behind after destroy: {left:?}")) }
}
