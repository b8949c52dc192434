//! Resources that a stack shares with others: tags of other tools, fields that others change, names that people change.

use std::{collections::BTreeSet, fs};

use libtest_mimic::Trial;
use serde_json::Value;

use crate::{
    harness::{Account, Result, fail},
    trial,
};

/// The tests.
pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("shared::a_tag_that_is_dropped_is_removed_and_others_tags_are_not", dropped_tags),
        trial("shared::ignored_tags_are_neither_compared_nor_touched", ignored_tags),
        trial("shared::a_role_takes_the_new_case_of_a_key", case_of_a_key),
        trial("shared::renamed_and_changed_at_once_is_one_and_the_same", renamed),
        trial("shared::a_chain_of_renames_takes_one_apply", chain_of_renames),
        trial("shared::a_policy_means_the_same_in_any_spelling", spelling),
        trial("shared::a_boundary_set_by_hand_can_be_refused", no_boundary),
    ]
}

const HEAD: &str = "[stack]\nname = \"shared\"\nregion = \"us-east-1\"\n";

/// An account with a stack file.
struct StackAccount(Account);

impl StackAccount {
    fn of(stack: &str) -> Result<Self> {
        let stage = Self(Account::new());
        stage.write(stack)?;
        stage.apply()?;
        Ok(stage)
    }

    fn write(&self, stack: &str) -> Result {
        Ok(fs::write(self.0.folder.path().join("stack.toml"), format!("{HEAD}{stack}"))?)
    }

    fn apply(&self) -> Result {
        self.0.json(&["apply", "stack.toml", "--auto-approve"])?;
        self.settled()
    }

    fn settled(&self) -> Result {
        let steps = self.actions()?;
        if steps.is_empty() { Ok(()) } else { fail(format!("the plan is not empty: {steps:?}")) }
    }

    /// The verb and the address of each step of a plan.
    fn actions(&self) -> Result<BTreeSet<(String, String)>> {
        let plan = self.0.json(&["plan", "stack.toml"])?;
        let text = |step: &Value, key: &str| step[key].as_str().unwrap_or_default().to_owned();
        let steps = plan["steps"].as_array().into_iter().flatten();
        Ok(steps.map(|step| (text(step, "action"), text(step, "address"))).collect())
    }

    /// Checks that `code` prints `expected`.
    fn says(&self, code: &str, expected: &str) -> Result {
        let said = self.0.python(code)?;
        if said.trim() == expected { Ok(()) } else { fail(format!("expected {expected}, found {said}")) }
    }
}

const VPC_TAGS: &str = r#"
found = aws("ec2").describe_vpcs(VpcIds=[id("ec2.vpc.main")])["Vpcs"][0]["Tags"]
print(sorted(tag["Key"] + "=" + tag["Value"] for tag in found if tag["Key"] in ("Team", "Owner", "cost", "backup:plan")))
"#;

fn vpc(lines: &str) -> String {
    format!("[ec2.vpc.main]\ncidr_block = \"10.0.0.0/16\"\n{lines}\n")
}

fn set_by_hand(tags: &[(&str, &str)]) -> String {
    let tags: Vec<_> = tags.iter().map(|(key, value)| format!("{{'Key': '{key}', 'Value': '{value}'}}")).collect();
    format!("aws('ec2').create_tags(Resources=[id('ec2.vpc.main')], Tags=[{}])", tags.join(", "))
}

fn dropped_tags() -> Result {
    let stage = StackAccount::of(&vpc("tags = { Team = \"a\", Owner = \"b\" }"))?;
    stage.0.python(&set_by_hand(&[("cost", "1")]))?;
    stage.settled()?;
    stage.write(&vpc("tags = { Team = \"a\" }"))?;
    stage.apply()?;
    stage.says(VPC_TAGS, "['Team=a', 'cost=1']")
}

fn ignored_tags() -> Result {
    let stack = format!(
        "ignore_tags = [\"cost\", \"backup:*\"]\ntags = {{ cost = \"0\" }}\n{}",
        vpc("tags = { Team = \"a\", Owner = \"b\" }\nignore_changes = [\"tags.Owner\"]")
    );
    let stage = StackAccount::of(&stack)?;
    stage.0.python(&set_by_hand(&[("Owner", "c"), ("cost", "1"), ("backup:plan", "daily")]))?;
    stage.settled()?;
    stage.0.python(&set_by_hand(&[("Team", "d")]))?;
    if stage.actions()?.is_empty() {
        return fail("a tag of the stack's own was changed, and the plan is empty");
    }
    stage.apply()?;
    stage.says(VPC_TAGS, "['Owner=c', 'Team=a', 'backup:plan=daily', 'cost=1']")?;
    // All of them at once.
    stage.write(&vpc("tags = { Team = \"a\" }\nignore_changes = [\"tags\"]"))?;
    stage.apply()?;
    stage.0.python(&set_by_hand(&[("Team", "e")]))?;
    stage.settled()
}

const TRUST: &str = r#"{ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "ec2.amazonaws.com" } }] }"#;

fn role(lines: &str) -> String {
    format!("[iam.role.main]\nassume_role_policy_document = {TRUST}\n{lines}\n")
}

/// IAM treats `environment` and `Environment` as the same key of a role.
fn case_of_a_key() -> Result {
    let tags = r#"
found = aws("iam").list_role_tags(RoleName=id("iam.role.main"))["Tags"]
print(sorted(tag["Key"] + "=" + tag["Value"] for tag in found if ":" not in tag["Key"]))
"#;
    let stage = StackAccount::of(&role("tags = { environment = \"test\", name = \"app\" }"))?;
    stage.says(tags, "['environment=test', 'name=app']")?;
    stage.write(&role("tags = { Environment = \"test\", name = \"app\" }"))?;
    stage.apply()?;
    stage.says(tags, "['Environment=test', 'name=app']")?;
    // The same without history.
    fs::remove_dir_all(stage.0.folder.path().join("state"))?;
    stage.write(&role("tags = { ENVIRONMENT = \"test\", name = \"app\" }"))?;
    stage.apply()?;
    stage.says(tags, "['ENVIRONMENT=test', 'name=app']")
}

fn renamed() -> Result {
    let group = |name: &str, lines: &str| format!("[logs.log_group.{name}]\n{lines}\n");
    let stage = StackAccount::of(&group("shells", "for_each = [\"a\", \"b\"]\nretention_in_days = 30"))?;
    let ids = "print(sorted(group['arn'] for group in aws('logs').describe_log_groups()['logGroups']))";
    let before = stage.0.python(ids)?;
    let lines = "for_each = [\"a\", \"b\"]\nretention_in_days = 60\nrenamed_from = \"shells\"";
    stage.write(&group("consoles", lines))?;
    let actions = stage.actions()?;
    if actions.iter().any(|(action, _)| action == "create" || action == "delete") {
        return fail(format!("what was renamed is made anew: {actions:?}"));
    }
    stage.apply()?;
    // Moved into a module, with another change.
    fs::write(stage.0.folder.path().join("module.toml"), group("consoles", "for_each = [\"a\", \"b\"]"))?;
    let module = "[module.logs]\nsource = \"module.toml\"\n";
    let inside = "for_each = [\"a\", \"b\"]\nrenamed_from = \"logs.log_group.consoles\"";
    fs::write(stage.0.folder.path().join("module.toml"), group("consoles", inside))?;
    stage.write(module)?;
    stage.apply()?;
    // The module gets another name, and a `for_each`.
    let inside = "for_each = [\"a\", \"b\"]\nretention_in_days = 7";
    fs::write(stage.0.folder.path().join("module.toml"), group("consoles", inside))?;
    stage.write("[module.all]\nsource = \"module.toml\"\nfor_each = [\"x\"]\nrenamed_from = \"logs\"\n")?;
    stage.apply()?;
    stage.says(ids, before.trim())
}

/// `a` is renamed to `b`, and `b` to `c`; subnets stay in their network, under its new name.
fn chain_of_renames() -> Result {
    let network = |name: &str, block: u8, lines: &str| {
        format!(
            "[ec2.vpc.{name}]\ncidr_block = \"10.{block}.0.0/16\"\n{lines}\n\n[ec2.subnet.in-{block}]\nvpc = \"{name}\"\n\
             cidr_block = \"10.{block}.1.0/24\"\n{lines}\n"
        )
    };
    let stage = StackAccount::of(&[network("a", 1, ""), network("b", 2, "")].concat())?;
    let is = "print(sorted((it['CidrBlock'], it['VpcId']) for it in aws('ec2').describe_subnets()['Subnets'] \
              if it['CidrBlock'].endswith('.1.0/24')), [id(f'ec2.vpc.{name}') for name in NAMES])";
    let before = stage.0.python(&is.replace("NAMES", "'ab'"))?;
    let tags = "tags = { Team = \"x\" }";
    let renamed = |name: &str, block: u8, was: &str| {
        network(name, block, tags).replacen(tags, &format!("{tags}\nrenamed_from = \"{was}\""), 1)
    };
    stage.write(&[renamed("b", 1, "a"), renamed("c", 2, "b")].concat())?;
    let actions = stage.actions()?;
    if actions.iter().any(|(action, _)| ["create", "delete", "replace"].contains(&action.as_str())) {
        return fail(format!("what was renamed is made anew: {actions:?}"));
    }
    stage.apply()?;
    stage.says(&is.replace("NAMES", "'bc'"), before.trim())
}

/// Spellings that IAM may return instead of the one it was sent are no difference; another meaning is one.
fn spelling() -> Result {
    let document = r#"{ Version = "2012-10-17", Statement = [
        { Sid = "A", Effect = "Allow", Action = ["sts:AssumeRole", "sts:TagSession"], Principal = { Service = ["lambda.amazonaws.com", "ec2.amazonaws.com"], AWS = "${stack.account}" } },
        { Sid = "B", Effect = "Allow", Action = "sts:AssumeRole", Principal = { AWS = "*" }, Condition = { Bool = { "aws:MultiFactorAuthPresent" = true }, NumericLessThan = { "aws:MultiFactorAuthAge" = 3600 }, StringLike = { "aws:PrincipalArn" = ["b", "a"] } } },
    ] }"#;
    let stage = StackAccount::of(&format!("[iam.role.main]\nassume_role_policy_document = {document}\n"))?;
    let put = |spoil: &str| {
        format!(
            r#"
iam, role = aws("iam"), id("iam.role.main")
document = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
one, other = sorted(document["Statement"], key=lambda statement: statement["Sid"])
account = iam.get_role(RoleName=role)["Role"]["Arn"].split(":")[4]
{spoil}
iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(document))
"#
        )
    };
    let told = "\
assert one['Action'] == ['sts:AssumeRole', 'sts:TagSession'], one
assert other['Condition']['Bool'] == {'aws:MultiFactorAuthPresent': True}, other";
    stage.0.python(&put(told))?;
    let same = "\
one['Action'].reverse(); one['Principal']['Service'].sort()
one['Principal']['AWS'] = ['arn:aws:iam::' + account + ':root']
other['Action'] = ['sts:AssumeRole']; other['Principal'] = '*'
other['Condition'] = dict(reversed(list(other['Condition'].items())))
other['Condition']['Bool'] = {'aws:MultiFactorAuthPresent': ['true']}
other['Condition']['NumericLessThan'] = {'aws:MultiFactorAuthAge': '3600'}
other['Condition']['StringLike']['aws:PrincipalArn'] = ['a', 'b']
document['Statement'] = [other, one]";
    stage.0.python(&put(same))?;
    stage.settled()?;
    for spoil in [
        "one['Principal']['Service'].append('eks.amazonaws.com')",
        "one['Principal']['AWS'] = 'AROAJQABLZS4A3QDU576Q'",
        "other['Condition']['StringLike']['aws:PrincipalArn'] = ['a']",
        "other['Effect'] = 'Deny'",
    ] {
        stage.0.python(&put(spoil))?;
        if stage.actions()?.is_empty() {
            return fail(format!("the plan does not show: {spoil}"));
        }
        stage.apply()?;
    }
    Ok(())
}

fn no_boundary() -> Result {
    let stage = StackAccount::of(&role(""))?;
    let put = "aws('iam').put_role_permissions_boundary(RoleName=id('iam.role.main'), PermissionsBoundary='arn:aws:iam::aws:policy/ReadOnlyAccess')";
    stage.0.python(put)?;
    stage.settled()?;
    stage.write(&role("permissions_boundary = \"\""))?;
    if stage.actions()?.is_empty() {
        return fail("a boundary set by hand does not show");
    }
    stage.apply()?;
    stage.says("print('PermissionsBoundary' in aws('iam').get_role(RoleName=id('iam.role.main'))['Role'])", "False")
}
