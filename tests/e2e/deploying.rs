//! `deploy`: the truth of every ending, and that a run which is cut off at any call never begins a second deployment.

use std::{
    fs,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::{
    harness::{Account, CommandOutput, Result, UP, fail},
    life::{Steps, exists, expect, steps},
    trial,
};

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = vec![
        trial("deploying::succeeds_and_apply_has_nothing_to_do", succeeds_and_apply_has_nothing_to_do),
        trial("deploying::a_file_that_names_the_image_is_warned_of", a_file_that_names_the_image_is_warned_of),
        trial("deploying::the_reason_of_a_failure_is_on_the_first_screen", the_reason_of_a_failure_is_told),
        trial("deploying::without_rollback_it_is_stopped", without_rollback_it_is_stopped),
        trial("deploying::an_alarm_fails_it", an_alarm_fails_it),
        trial("deploying::a_hook_fails_or_pauses_it", a_hook_fails_or_pauses_it),
        trial("deploying::targets_that_are_not_healthy_are_told", targets_that_are_not_healthy_are_told),
        trial("deploying::a_newer_deployment_is_no_success", a_newer_deployment_is_no_success),
        trial("deploying::no_task_proves_nothing", no_task_proves_nothing),
        trial("deploying::what_is_wrong_is_refused_before_the_first_change", what_is_wrong_is_refused),
        trial("deploying::it_is_stopped_and_taken_back", it_is_stopped_and_taken_back),
        trial("deploying::time_runs_out_and_the_deployment_goes_on", time_runs_out),
        trial("deploying::apply_keeps_what_ci_deploys", apply_keeps_what_ci_deploys),
    ];
    for call in ["RegisterTaskDefinition", "UpdateService"] {
        for when in ["before", "after"] {
            let name = format!("deploying::killed_{when}_{call}");
            trials.push(trial(name, move || killed_at(call, when)));
        }
    }
    trials.push(trial("deploying::killed_while_it_watches", killed_while_it_watches));
    trials
}

const STACK: &str = r#"
[stack]
name = "shop"
region = "us-east-1"

[ec2.vpc.main]
cidr_block = "10.42.0.0/16"

[ec2.internet_gateway.main]
vpc = "main"

[ec2.subnet.a]
vpc = "main"
availability_zone = "us-east-1a"
cidr_block = "10.42.0.0/24"

[ec2.subnet.b]
vpc = "main"
availability_zone = "us-east-1b"
cidr_block = "10.42.1.0/24"

[elbv2.load_balancer.main]
subnets = ["a", "b"]

[elbv2.listener.http]
load_balancer = "main"
port = 80
protocol = "HTTP"
default_actions = [{ fixed_response = { status_code = 404 } }]

[elbv2.target_group.main]
for_each = ["blue", "green"]
vpc = "main"
protocol = "HTTP"
port = 8080
target_type = "ip"

[elbv2.rule.main]
listener = "http"
priority = 1
conditions = [{ path_pattern = ["/*"] }]
actions = [{ forward = { target_groups = [{ target_group = "main:blue", weight = 100 }, { target_group = "main:green", weight = 0 }] } }]

[iam.role.ecs]
assume_role_policy_document = { Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = ["ecs.amazonaws.com", "ecs-tasks.amazonaws.com"] } }] }

[logs.log_group.orders]

[ecr.repository.orders]
name = "orders"

[ecs.cluster.main]
capacity_providers = ["FARGATE"]

[ecs.task_definition.orders]
cpu = 256
memory = MEMORY
execution_role = "ecs"

[[ecs.task_definition.orders.containers]]
name = "web"
image = IMAGE
port_mappings = [{ container_port = 8080 }]
environment = { TOKEN = "${inputs.token}", LEVEL = "debug" }
log_configuration = { log_driver = "awslogs", options = { awslogs-group = "${logs.log_group.orders.name}", awslogs-region = "us-east-1", awslogs-stream-prefix = "task" } }

[inputs.token]
type = "string"
description = "A secret."
sensitive = true
default = "hunter2-and-more"

[ecs.service.orders]
cluster = "main"
task_definition = "orders"
launch_type = "FARGATE"
desired_count = COUNT
network_configuration = { subnets = ["a"] }
deployment_configuration = CONFIGURATION

[[ecs.service.orders.load_balancers]]
target_group = "main:blue"
container_name = "web"
container_port = 8080
ADVANCED
"#;

/// The image that the first apply runs, before there is one of the stack's own.
const DEFAULT: &str = r#"'${deployed("public.ecr.aws/nginx/nginx:1.29")}'"#;
const BREAKER: &str = "{ deployment_circuit_breaker = { enable = true, rollback = true } }";
const BLUE_GREEN: &str = "{ strategy = \"BLUE_GREEN\", bake_time_in_minutes = 0 }";

/// Pushes an image for each tag, and prints their digests. Each is for the architectures behind its tag.
const PUSH: &str = r#"
import json
ecr = aws("ecr")
INDEX = "application/vnd.oci.image.index.v1+json"
digests = []
for tag, architectures in TAGS:
    platforms = [{"digest": f"sha256:{tag}", "platform": {"architecture": each, "os": "linux"}} for each in architectures]
    manifest = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": platforms, "annotations": {"tag": tag}})
    ecr.put_image(repositoryName="orders", imageTag=tag, imageManifest=manifest, imageManifestMediaType=INDEX)
    [found] = ecr.describe_images(repositoryName="orders", imageIds=[{"imageTag": tag}])["imageDetails"]
    digests.append(found["imageDigest"])
print(*digests, end="")
"#;

/// Deletes all images: a repository that holds some is not deleted.
const EMPTY: &str = r#"
ecr = aws("ecr")
ecr.batch_delete_image(repositoryName="orders", imageIds=ecr.list_images(repositoryName="orders")["imageIds"])
"#;

/// What the tests ask of ECS, and do to it.
const ECS: &str = r#"
import time
ecs = aws("ecs")
cluster, service = id("ecs.cluster.main"), id("ecs.service.orders")
def seen():
    return ecs.describe_services(cluster=cluster, services=[service])["services"][0]
def deployments():
    return ecs.list_service_deployments(cluster=cluster, service=service)["serviceDeployments"]
def until(status):
    for _ in range(500):
        if deployments()[0]["status"] == status:
            return
        time.sleep(0.02)
    raise Exception(f"{status} is not reached: {deployments()}")
def image():
    found = ecs.describe_task_definition(taskDefinition=seen()["taskDefinition"])["taskDefinition"]
    return found["containerDefinitions"][0]["image"]
def play(state):
    ecs.tag_resource(resourceArn=service, tags=[{"key": "sandbox:state", "value": state}])
"#;

/// An account with the stack applied, and two images pushed.
struct Shop {
    account: Account,
    stack: PathBuf,
    digests: Vec<String>,
}

struct Setting {
    image: &'static str,
    count: u32,
    configuration: &'static str,
    memory: u32,
}

impl Default for Setting {
    fn default() -> Self {
        Self { image: DEFAULT, count: 2, configuration: BREAKER, memory: 512 }
    }
}

impl Shop {
    fn open(setting: &Setting) -> Result<Self> {
        let account = Account::new();
        let stack = account.folder.path().join("shop.toml");
        let mut shop = Self { account, stack, digests: vec![] };
        shop.write(setting)?;
        shop.apply()?;
        let tags = r#"[("v1", []), ("v2", ["amd64", "arm64"]), ("arm", ["arm64"])]"#;
        let digests = shop.account.python(&PUSH.replace("TAGS", tags))?;
        shop.digests = digests.split(' ').map(str::to_owned).collect();
        Ok(shop)
    }

    fn write(&self, setting: &Setting) -> Result {
        let Setting { image, count, configuration, memory } = setting;
        let advanced = match configuration.contains("BLUE_GREEN") {
            true => {
                "advanced_configuration = { alternate_target_group = \"main:green\", production_listener_rule = \"main\", \
                 role = \"ecs\" }"
            }
            false => "",
        };
        let text = STACK.replace("IMAGE", image).replace("COUNT", &count.to_string());
        let text = text.replace("CONFIGURATION", configuration).replace("ADVANCED", advanced);
        Ok(fs::write(&self.stack, text.replace("MEMORY", &memory.to_string()))?)
    }

    fn file(&self) -> String {
        self.stack.display().to_string()
    }

    fn apply(&self) -> Result {
        self.account.json(&["apply", &self.file(), "--auto-approve"]).map(drop)
    }

    /// Runs `deploy` with the options, and reads its JSON.
    fn deploy(&self, options: &[&str]) -> Result<(i32, Value, String)> {
        self.run(&[&["deploy", &self.file()], options].concat())
    }

    fn run(&self, arguments: &[&str]) -> Result<(i32, Value, String)> {
        let CommandOutput { code, stdout, stderr } = self.account.up(&[arguments, &["--json"]].concat())?;
        let report = serde_json::from_str(&stdout).map_err(|error| format!("{error}: {stdout}\n{stderr}"))?;
        Ok((code, report, stderr))
    }

    /// Deploys, and checks the exit code and the result of the service.
    fn ends(&self, options: &[&str], code: i32, result: &str) -> Result<Value> {
        let (found, report, stderr) = self.deploy(options)?;
        let service = report["services"][0].clone();
        if found != code || service["result"] != result {
            return fail(format!("{options:?} ended with {found}, not {code} {result}: {report:#}\n{stderr}"));
        }
        Ok(service)
    }

    fn python(&self, code: &str) -> Result<String> {
        self.account.python(&format!("{ECS}{code}"))
    }

    fn play(&self, state: &str) -> Result {
        self.python(&format!("play({state:?})")).map(drop)
    }

    fn runs(&self, image: &str) -> Result {
        let found = self.python("print(image(), end='')")?;
        if found.ends_with(image) { Ok(()) } else { fail(format!("{found} runs, and not {image}")) }
    }

    /// How many deployments there have been since the service was created.
    fn begun(&self) -> Result<usize> {
        Ok(self.python("print(len(deployments()) - 1, end='')")?.parse()?)
    }

    /// A plan has no steps, and no drift is found; with the state, and without.
    fn is_settled(&self) -> Result {
        for state in ["with", "without"] {
            if state == "without" {
                fs::remove_dir_all(self.account.folder.path().join("state"))?;
            }
            let plan = self.account.json(&["plan", &self.file()])?;
            expect(&plan, &Steps::new()).map_err(|error| format!("{state} state: {error}"))?;
            let drift = self.account.up(&["drift", &self.file()])?;
            if drift.code != 0 {
                return fail(format!(
                    "{state} state, drift ended with {}: {}{}",
                    drift.code, drift.stdout, drift.stderr
                ));
            }
        }
        Ok(())
    }
}

fn succeeds_and_apply_has_nothing_to_do() -> Result {
    let shop = Shop::open(&Setting::default())?;
    shop.runs("nginx:1.29")?;
    let service = shop.ends(&["orders=v1"], 0, "deployed")?;
    let image = format!("/orders@{}", shop.digests[0]);
    shop.runs(&image)?;
    if !service["images"]["web"].as_str().is_some_and(|it| it.ends_with(&image)) || service["status"] != "SUCCESSFUL" {
        return fail(format!("{service:#}"));
    }
    let told = shop.account.up(&["plan", &shop.file()])?.stdout;
    let digest = &shop.digests[0][..19];
    if !told.contains(&format!("image of `web`: as deployed ({digest})")) {
        return fail(told);
    }
    shop.is_settled()?;
    shop.apply()?;
    shop.is_settled()?;
    shop.apply()?;

    // The same again is nothing to do; a digest is as good as a tag, and another service does not exist.
    shop.ends(&["orders=v1"], 0, "unchanged")?;
    shop.ends(&[&format!("orders=@{}", shop.digests[1])], 0, "deployed")?;
    shop.runs(&shop.digests[1])?;
    if shop.begun()? != 2 {
        return fail("another number of deployments");
    }

    // An apply that edits the definition carries the image that runs.
    shop.write(&Setting { memory: 1024, ..Setting::default() })?;
    let plan = shop.account.json(&["plan", &shop.file()])?;
    if steps(&plan).get("replace").is_none_or(|it| !it.contains("ecs.task_definition.orders")) {
        return fail(format!("the edit is not planned: {plan:#}"));
    }
    shop.apply()?;
    shop.runs(&shop.digests[1])?;
    shop.is_settled()?;
    shop.apply()?;
    shop.ends(&["orders=v1"], 0, "deployed")?;
    shop.ends(&["orders=v2"], 0, "deployed")?;
    shop.is_settled()?;
    shop.apply()?;
    let unread = shop.account.unread()?;
    if !unread.is_empty() {
        return fail(format!("sent, and the sandbox does not read it: {unread:?}"));
    }
    shop.account.python(EMPTY)?;
    shop.account.json(&["destroy", &shop.file(), "--auto-approve"])?;
    let left: Vec<_> = exists(&shop.account)?.into_iter().filter(|(kind, _)| kind == "ecs.task_definition").collect();
    if left.is_empty() { Ok(()) } else { fail(format!("left behind: {left:?}")) }
}

fn a_file_that_names_the_image_is_warned_of() -> Result {
    let shop = Shop::open(&Setting { image: "\"public.ecr.aws/nginx/nginx:1.29\"", ..Setting::default() })?;
    let full = format!("orders={}.dkr.ecr.us-east-1.amazonaws.com/orders:v1", shop.account.id);
    // The tag of an image of somebody else's registry has no digest that anybody could tell.
    let (code, report, _) = shop.deploy(&["orders=public.ecr.aws/nginx/nginx:1.30"])?;
    if code != 3 || !report["errors"][0]["message"].as_str().is_some_and(|it| it.contains("tells the digest")) {
        return fail(format!("{code}: {report:#}"));
    }
    let (code, _, stderr) = shop.deploy(&[&full])?;
    if code != 0 || !stderr.contains("the next `apply` sets the image of ecs.service.orders back") {
        return fail(format!("{code}: {stderr}"));
    }
    shop.runs(&shop.digests[0])
}

fn the_reason_of_a_failure_is_told() -> Result {
    let shop = Shop::open(&Setting::default())?;
    shop.ends(&["orders=v1"], 0, "deployed")?;
    shop.play("exit 3")?;
    let ran = shop.account.up(&["deploy", &shop.file(), "orders=v2"])?;
    let screen = ran.stdout.lines().take(24).collect::<Vec<_>>().join("\n");
    let told = [
        "failed: rolled back to :2",
        "circuit breaker threshold was exceeded",
        "Essential container in task exited",
        "exit code 3",
        "web: failed to start",
        "LEVEL=debug",
    ];
    let missing: Vec<_> = told.iter().filter(|text| !screen.contains(**text)).collect();
    if ran.code != 1 || !missing.is_empty() {
        return fail(format!("{}: {missing:?} is not told\n{}{}", ran.code, ran.stdout, ran.stderr));
    }
    if [&ran.stdout, &ran.stderr].iter().any(|text| text.contains("hunter2")) {
        return fail("a secret is shown");
    }
    shop.runs(&shop.digests[0])?;
    shop.is_settled()?;

    // The same command again is another try, with the revision that is there; an image that is mended succeeds.
    shop.ends(&["orders=v2"], 1, "rolled_back")?;
    shop.play("")?;
    let service = shop.ends(&["orders=v2"], 0, "deployed")?;
    if service["revision"] != "shop-orders:3" {
        return fail(format!("the revision was registered again: {service:#}"));
    }
    shop.is_settled()
}

fn without_rollback_it_is_stopped() -> Result {
    let shop = Shop::open(&Setting {
        configuration: "{ deployment_circuit_breaker = { enable = true, rollback = false } }",
        ..Setting::default()
    })?;
    shop.play("exit 1")?;
    shop.ends(&["orders=v1"], 1, "stopped")?;
    shop.play("")?;
    shop.ends(&["orders=v1"], 0, "deployed")?;
    shop.runs(&shop.digests[0])
}

fn an_alarm_fails_it() -> Result {
    let configuration = "{ alarms = { alarm_names = [\"errors\"], rollback = true } }";
    let shop = Shop::open(&Setting { configuration, ..Setting::default() })?;
    shop.play("alarm errors")?;
    let service = shop.ends(&["orders=v1"], 1, "rolled_back")?;
    if service["alarms"] == json!(["errors"]) { Ok(()) } else { fail(format!("{service:#}")) }
}

const HOOK: &str = r#"
hook = {"lifecycleStages": ["POST_SCALE_UP"], "roleArn": "arn:aws:iam::123456789012:role/hooks", **HOOK}
configuration = {**seen()["deploymentConfiguration"], "lifecycleHooks": [hook]}
ecs.update_service(cluster=cluster, service=service, deploymentConfiguration=configuration)
"#;

fn a_hook_fails_or_pauses_it() -> Result {
    let shop = Shop::open(&Setting { configuration: BLUE_GREEN, ..Setting::default() })?;
    let function = r#"{"hookTargetArn": "arn:aws:lambda:us-east-1:123456789012:function:check"}"#;
    shop.python(&HOOK.replace("**HOOK", &format!("**{function}")))?;
    shop.play("hook")?;
    let service = shop.ends(&["orders=v1"], 1, "rolled_back")?;
    if !service["reason"].as_str().is_some_and(|it| it.contains("function:check returned FAILED")) {
        return fail(format!("{service:#}"));
    }
    shop.play("")?;
    shop.python(&HOOK.replace("**HOOK", r#"**{"targetType": "PAUSE"}"#))?;
    let service = shop.ends(&["orders=v1", "--timeout", "3s"], 1, "paused")?;
    if service["paused"]["expires"].is_null() || service["stage"] != "POST_SCALE_UP" {
        return fail(format!("{service:#}"));
    }
    let (code, report, _) = shop.run(&["deploy", "continue", &shop.file()])?;
    if code != 0 || report["services"][0]["result"] != "deployed" {
        return fail(format!("{code}: {report:#}"));
    }
    shop.ends(&["orders=v1"], 0, "unchanged")?;
    shop.ends(&["orders=v2", "--timeout", "3s"], 1, "paused")?;
    let (code, report, _) = shop.run(&["deploy", "continue", &shop.file(), "orders", "--rollback"])?;
    if code != 0 || report["services"][0]["result"] != "rolled_back" {
        return fail(format!("{code}: {report:#}"));
    }
    shop.runs(&shop.digests[0])
}

fn targets_that_are_not_healthy_are_told() -> Result {
    let shop = Shop::open(&Setting::default())?;
    shop.play("unhealthy")?;
    let service = shop.ends(&["orders=v1"], 1, "rolled_back")?;
    let health = service["health"][0].as_str().unwrap_or_default();
    if health.ends_with(": Health checks failed with these codes: [503]") && service["health"][1].is_null() {
        return Ok(());
    }
    fail(format!("{service:#}"))
}

fn a_newer_deployment_is_no_success() -> Result {
    let shop = Shop::open(&Setting::default())?;
    shop.play("hangs")?;
    let deploy = begun(&shop, "orders=v1")?;
    let supersede = "until('IN_PROGRESS')\necs.update_service(cluster=cluster, service=service, taskDefinition='shop-orders:1')\n\
                     play('')\nuntil('SUCCESSFUL')";
    shop.python(supersede)?;
    let (code, report) = ended(deploy)?;
    let service = &report["services"][0];
    if code == 1 && service["result"] == "superseded" && service["superseded_by"] == "shop-orders:1" {
        return Ok(());
    }
    fail(format!("{code}: {report:#}"))
}

fn no_task_proves_nothing() -> Result {
    let shop = Shop::open(&Setting { count: 0, ..Setting::default() })?;
    shop.ends(&["orders=v1"], 0, "registered")?;
    let told = shop.account.up(&["deploy", &shop.file(), "orders=v2"])?.stdout;
    if told.contains("nothing is proven") { Ok(()) } else { fail(told) }
}

fn what_is_wrong_is_refused() -> Result {
    let shop = Shop::open(&Setting::default())?;
    let refused = |changes: &[&str], code: i32, message: &str| {
        let (found, report, stderr) = shop.deploy(changes)?;
        let told = report["errors"][0]["message"].as_str().unwrap_or_default();
        match found == code && told.contains(message) {
            true => Ok(()),
            false => fail(format!("{changes:?} ended with {found}, not {code} {message}: {report:#}\n{stderr}")),
        }
    };
    let so_far = shop.account.calls()?.len();
    let full = |tag: &str| format!("orders={tag}");
    refused(&["stock=v1"], 3, "the stack `shop` has no service `stock`")?;
    refused(&["orders#db=v1"], 3, "has no container `db`")?;
    refused(&[&full("v9")], 3, "has no image `v9`")?;
    refused(&[&full("arm")], 3, "is built for arm64, and the tasks need amd64")?;
    refused(&[&full("v1"), &full("v2")], 3, "is named twice")?;
    shop.write(&Setting { memory: 1024, ..Setting::default() })?;
    refused(&[&full("v1")], 6, "ecs.task_definition.orders has edits that are not applied: memory")?;
    shop.write(&Setting::default())?;
    let changing: Vec<_> =
        shop.account.calls()?.split_off(so_far).into_iter().filter(|(_, changes)| *changes).collect();
    if !changing.is_empty() {
        return fail(format!("changed something: {changing:?}"));
    }
    shop.play("hangs")?;
    shop.python("ecs.update_service(cluster=cluster, service=service, forceNewDeployment=True)\nuntil('IN_PROGRESS')")?;
    refused(&[&full("v1")], 5, "a deployment of shop-orders:1 is under way")
}

fn it_is_stopped_and_taken_back() -> Result {
    let shop = Shop::open(&Setting::default())?;
    shop.ends(&["orders=v1"], 0, "deployed")?;
    shop.play("hangs")?;
    shop.ends(&["orders=v2", "--detach"], 0, "started")?;
    let (code, status, _) = shop.run(&["deploy", "status", &shop.file()])?;
    if code != 0 || status["services"][0]["deployments"][0]["running"] != true {
        return fail(format!("{status:#}"));
    }
    let (code, report, stderr) = shop.run(&["deploy", "abort", &shop.file(), "orders"])?;
    if code != 0 || report["services"][0]["rolled_back_to"] != "shop-orders:2" {
        return fail(format!("{code}: {report:#}{stderr}"));
    }
    let (code, report, _) = shop.run(&["deploy", "abort", &shop.file(), "orders"])?;
    if code != 3 || !report["errors"][0]["message"].as_str().is_some_and(|it| it.contains("is under way")) {
        return fail(format!("{code}: {report:#}"));
    }
    shop.play("")?;
    shop.ends(&["orders=v2"], 0, "deployed")?;
    let roll_back = |options: &[&str], digest: &str| {
        let (code, report, stderr) = shop.run(&[&["deploy", "rollback", &shop.file(), "orders"], options].concat())?;
        if code != 0 {
            return fail(format!("{code}: {report:#}{stderr}"));
        }
        shop.runs(digest)
    };
    roll_back(&[], &shop.digests[0])?;
    roll_back(&["--to", &shop.digests[1]], &shop.digests[1])?;
    roll_back(&["--to", ":2"], &shop.digests[0])?;
    let (_, history, _) = shop.run(&["deploy", "history", &shop.file(), "orders", "--limit", "3"])?;
    let statuses = &history["services"][0]["deployments"];
    if statuses.as_array().map(Vec::len) != Some(3) || statuses[0]["status"] != "SUCCESSFUL" {
        return fail(format!("{history:#}"));
    }
    let text = shop.account.up(&["deploy", "history", &shop.file()])?.stdout;
    if !text.contains("ROLLBACK_SUCCESSFUL") || !text.contains("stopped by a user") {
        return fail(text);
    }
    // What is gone from the repository cannot be brought back.
    shop.account
        .python("aws(\"ecr\").batch_delete_image(repositoryName=\"orders\", imageIds=[{\"imageTag\": \"v2\"}])")?;
    let (code, report, _) = shop.run(&["deploy", "rollback", &shop.file(), "orders"])?;
    if code != 3 || !report["errors"][0]["message"].as_str().is_some_and(|it| it.contains("has no image")) {
        return fail(format!("{code}: {report:#}"));
    }
    shop.is_settled()
}

fn time_runs_out() -> Result {
    let shop = Shop::open(&Setting::default())?;
    shop.play("hangs")?;
    shop.ends(&["orders=v1", "--timeout", "1s"], 1, "timed_out")?;
    shop.play("")?;
    shop.python("until('SUCCESSFUL')")?;
    shop.ends(&["orders=v1"], 0, "unchanged")?;
    if shop.begun()? == 1 { Ok(()) } else { fail("a second deployment was begun") }
}

/// CI's own deployment: a revision with another image, with the tags copied or without, and an update of the service.
const CI: &str = r#"
found = ecs.describe_task_definition(taskDefinition=seen()["taskDefinition"], include=["TAGS"])
keep = ("family", "containerDefinitions", "cpu", "memory", "networkMode", "requiresCompatibilities", "executionRoleArn", "runtimePlatform")
given = {key: found["taskDefinition"][key] for key in keep}
given["containerDefinitions"][0]["image"] = "public.ecr.aws/nginx/nginx:IMAGE"
made = ecs.register_task_definition(**given, tags=found["tags"] if COPIED else [])["taskDefinition"]["taskDefinitionArn"]
ecs.update_service(cluster=cluster, service=service, taskDefinition=made)
until("SUCCESSFUL")
"#;

/// Whoever deploys: `apply` never sets an image back. A revision without the stack's tags is followed by one of the stack's own.
fn apply_keeps_what_ci_deploys() -> Result {
    let shop = Shop::open(&Setting::default())?;
    let ci = |image: &str, copied: &str| shop.python(&CI.replace("IMAGE", image).replace("COPIED", copied));
    ci("1.30", "True")?;
    expect(&shop.account.json(&["plan", &shop.file()])?, &Steps::new())?;
    shop.apply()?;
    shop.runs("nginx:1.30")?;
    ci("1.31", "False")?;
    let replaced = Steps::from([
        ("replace".to_owned(), ["ecs.task_definition.orders".to_owned()].into()),
        ("update".to_owned(), ["ecs.service.orders".to_owned()].into()),
    ]);
    expect(&shop.account.json(&["plan", &shop.file()])?, &replaced)?;
    shop.apply()?;
    shop.runs("nginx:1.31")?;
    shop.is_settled()?;
    shop.ends(&["orders=v1"], 0, "deployed")?;
    shop.runs(&shop.digests[0])
}

/// A run of `deploy` that goes on.
fn begun(shop: &Shop, change: &str) -> Result<Child> {
    let mut command = Command::new(UP);
    command.args(["deploy", &shop.file(), change, "--json"]).current_dir(shop.account.folder.path());
    command.env_remove("AWS_PROFILE").envs(shop.account.environment());
    Ok(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?)
}

fn ended(run: Child) -> Result<(i32, Value)> {
    let output = run.wait_with_output()?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    let report = serde_json::from_slice(&output.stdout).map_err(|error| format!("{error}: {stderr}"))?;
    Ok((output.status.code().ok_or("ended by a signal")?, report))
}

/// Killed at a changing call, before it is done or before its answer comes: the same command again finishes, and there is one
/// deployment and one new revision.
fn killed_at(call: &str, when: &str) -> Result {
    let shop = Shop::open(&Setting::default())?;
    let (id, account) = (&shop.account.id, &shop.account);
    let hold = json!({ "match": { "operation": call }, "times": 1, "do": { "hold": when } });
    account.tell(&format!("faults?access_key={id}"), &json!({ "faults": [hold] }))?;
    let mut run = begun(&shop, "orders=v1")?;
    let held = account.control(&format!("held?access_key={id}&wait=60"))?;
    if held["held"].as_array().is_none_or(Vec::is_empty) {
        return fail(format!("{call} was not held: {held}"));
    }
    run.kill()?;
    run.wait()?;
    account.tell(&format!("release?access_key={id}"), &json!({ "then": "drop" }))?;
    account.tell(&format!("faults?access_key={id}"), &json!({ "faults": [] }))?;
    let (code, report, stderr) = shop.deploy(&["orders=v1", "--settle", "3s"])?;
    let result = report["services"][0]["result"].as_str().unwrap_or_default();
    if code != 0 || !["deployed", "unchanged"].contains(&result) {
        return fail(format!("{code}: {report:#}\n{stderr}"));
    }
    shop.python("until('SUCCESSFUL')")?;
    shop.runs(&shop.digests[0])?;
    let revisions = shop.python("print(len(ecs.list_task_definitions()['taskDefinitionArns']), end='')")?;
    if shop.begun()? != 1 || revisions != "2" {
        return fail(format!("{} deployments, {revisions} revisions", shop.begun()?));
    }
    shop.is_settled()
}

/// Killed while it watches: the same command again tells how the deployment ended, and begins none. Once that is told, it is
/// another try.
fn killed_while_it_watches() -> Result {
    let shop = Shop::open(&Setting::default())?;
    shop.play("hangs")?;
    let mut run = begun(&shop, "orders=v1")?;
    let since = Instant::now();
    while shop.begun()? == 0 {
        if since.elapsed() > Duration::from_secs(60) {
            return fail("no deployment was begun");
        }
    }
    shop.python("until('IN_PROGRESS')")?;
    run.kill()?;
    run.wait()?;
    shop.play("exit 4")?;
    shop.python("until('ROLLBACK_SUCCESSFUL')")?;
    let service = shop.ends(&["orders=v1", "--settle", "3s"], 1, "rolled_back")?;
    if service["failures"][0]["exit_code"] != 4 || shop.begun()? != 1 {
        return fail(format!("{} deployments: {service:#}", shop.begun()?));
    }
    shop.play("")?;
    shop.ends(&["orders=v1"], 0, "deployed")?;
    if shop.begun()? == 2 { shop.is_settled() } else { fail("another number of deployments") }
}
