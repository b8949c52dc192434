//! The same life cycle on LocalStack: the network, IAM and logs of the stacks, applied, planned empty, changed by hand,
//! restored and destroyed. Run by `tests/localstack/run`.

use libtest_mimic::Trial;
use serde_json::Value;

use crate::{
    harness::{Account, Result, fail, root},
    life::{Steps, expect, steps},
    trial,
};

/// The only test.
pub(crate) fn trials() -> Vec<Trial> {
    vec![trial("localstack::network", network)]
}

fn network() -> Result {
    let account = Account::new();
    let stack = root().join("stacks/localstack.toml").display().to_string();
    let run = |command: &str, options: &[&str]| account.json(&[&[command, &stack], options].concat());
    let applied = run("apply", &["--auto-approve"])?;
    succeeded(&applied)?;
    settled(&run("plan", &[])?)?;

    account.python(DRIFT)?;
    let drifted = Steps::from([(
        "update".into(),
        [
            "ec2.security_group.bastion",
            "iam.role.monitoring",
            "logs.log_group.flow",
            "vpc/ec2.route_table.data:a",
            "vpc/ec2.subnet.private:a",
        ]
        .map(str::to_owned)
        .into(),
    )]);
    expect(&run("plan", &[])?, &drifted)?;
    succeeded(&run("apply", &["--auto-approve"])?)?;
    settled(&run("plan", &[])?)?;

    succeeded(&run("destroy", &["--auto-approve", "--unprotect"])?)?;
    let left = account.python(LEFT)?;
    if left.trim() == "[]" { Ok(()) } else { fail(format!("left behind after destroy: {left}")) }
}

fn succeeded(run: &Value) -> Result {
    if run["summary"]["failed"] == 0 { Ok(()) } else { fail(format!("failed: {run}")) }
}

fn settled(plan: &Value) -> Result {
    let left = steps(plan);
    if left.is_empty() { Ok(()) } else { fail(format!("a plan after apply is not empty: {left:?}")) }
}

/// One change by hand to each of five resources.
const DRIFT: &str = r#"
ec2, iam, logs = aws("ec2"), aws("iam"), aws("logs")

def at(address):
    return [{"Name": "tag:bullstra:address", "Values": [address]}]

subnet = ec2.describe_subnets(Filters=at("vpc/ec2.subnet.private:a"))["Subnets"][0]
ec2.modify_subnet_attribute(SubnetId=subnet["SubnetId"], MapPublicIpOnLaunch={"Value": True})
gateway = ec2.describe_internet_gateways(Filters=at("vpc/ec2.internet_gateway.main"))["InternetGateways"][0]
table = ec2.describe_route_tables(Filters=at("vpc/ec2.route_table.data:a"))["RouteTables"][0]
ec2.create_route(
    RouteTableId=table["RouteTableId"], DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway["InternetGatewayId"]
)
group = ec2.describe_security_groups(Filters=at("ec2.security_group.bastion"))["SecurityGroups"][0]
ec2.authorize_security_group_ingress(
    GroupId=group["GroupId"],
    IpPermissions=[{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}],
)
role = iam.list_roles(PathPrefix="/bullstra-up/")["Roles"][0]["RoleName"]
iam.update_role(RoleName=role, Description="somebody's own")
group = logs.describe_log_groups()["logGroups"][0]["logGroupName"]
logs.put_retention_policy(logGroupName=group, retentionInDays=3)
"#;

/// All resources that still carry the stack's tag.
const LEFT: &str = r#"
tagged = aws("resourcegroupstaggingapi").get_resources(TagFilters=[{"Key": "bullstra:stack"}])["ResourceTagMappingList"]
left = [resource["ResourceARN"] for resource in tagged]
# LocalStack goes on listing what is gone.
ec2 = aws("ec2")
left = [vpc["VpcId"] for vpc in ec2.describe_vpcs(Filters=[{"Name": "tag-key", "Values": ["bullstra:stack"]}])["Vpcs"]]
left += [role["RoleName"] for role in aws("iam").list_roles(PathPrefix="/bullstra-up/")["Roles"]]
left += [group["logGroupName"] for group in aws("logs").describe_log_groups()["logGroups"]]
left += [address["PublicIp"] for address in ec2.describe_addresses()["Addresses"]]
print(left)
"#;
