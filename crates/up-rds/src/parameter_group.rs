//! `rds.parameter_group`: how a database engine is set up.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_rds::types::{ApplyMethod, Filter, Parameter};
use up_core::prelude::*;

use crate::{attrs, client, list, lower_case, owned, retag};

/// How a database engine is set up, beyond its defaults.
#[derive(Spec, Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ParameterGroup {
    /// Its name, unique in account and region, of small letters. Default: derived from stack and address. A change
    /// replaces it.
    #[spec(name)]
    name: Option<String>,
    /// The engine with its major version: `postgres16`, `mysql8.4`.
    #[spec(replace)]
    family: String,
    /// What it is for, as the console shows it. Default: `Managed by bullstra-up`.
    #[serde(default = "managed")]
    #[spec(replace)]
    description: String,
    /// Parameters and their values, as text. Those left out are the engine's defaults. One that the engine can change
    /// while it runs applies at once, any other after the next reboot of the database.
    #[serde(default)]
    parameters: Parameters,
}

type Parameters = BTreeMap<String, String>;

impl Kind for ParameterGroup {
    const NAME: &'static str = names::DbParameterGroup::NAME;

    const ABOUT: About = About {
        cloudformation: "AWS::RDS::DBParameterGroup",
        actions: Actions {
            observe: &["rds:DescribeDBParameterGroups", "rds:DescribeDBParameters", "rds:ListTagsForResource"],
            create: &["rds:CreateDBParameterGroup", "rds:AddTagsToResource"],
            update: &["rds:DescribeDBParameters", "rds:ModifyDBParameterGroup", "rds:ResetDBParameterGroup"],
            tag: &["rds:AddTagsToResource", "rds:RemoveTagsFromResource"],
            delete: &["rds:DeleteDBParameterGroup"],
        },
        attrs: &["arn", "name"],
        longest_name: 255,
        replace: Order::CreateFirst,
        ..About::DEFAULT
    };

    async fn observe(cx: &Cx, scope: &Scope) -> Result<Vec<Seen<Self>>> {
        let mut seen = Vec::new();
        for group in client(cx).describe_db_parameter_groups().into_paginator().items().send().try_collect().await? {
            let (Some(id), Some(arn), Some(family), Some(description)) = (
                group.db_parameter_group_name,
                group.db_parameter_group_arn,
                group.db_parameter_group_family,
                group.description,
            ) else {
                return Err(Error::absent("name, ARN, family and description of a parameter group"));
            };
            let Some(tags) = owned(cx, scope, &id, &arn).await? else { continue };
            let spec = Self { name: Some(id.clone()), family, description, parameters: parameters(cx, &id).await? };
            let attrs = attrs([("arn", &arn), ("name", &id)]);
            seen.push(Seen { id, tags, attrs, status: Status::Ready, notes: vec![], spec });
        }
        Ok(seen)
    }

    /// Safe to repeat: it is unique by its name. Its parameters are left to `update`, as RDS has it.
    async fn create(&self, cx: &Cx, birth: &Birth) -> Result<String> {
        let name = self.name.clone().unwrap_or_else(|| birth.name(Self::ABOUT.longest_name));
        let request = client(cx).create_db_parameter_group().db_parameter_group_name(&name);
        let request = request.db_parameter_group_family(&self.family).description(&self.description);
        request.set_tags(Some(list(&birth.tags))).send().await?;
        Ok(name)
    }

    /// Sets what differs and resets what is left out, 20 a call. Safe to repeat: parameters are set.
    async fn update(&self, cx: &Cx, seen: &Seen<Self>) -> Result<()> {
        let is = &seen.spec.parameters;
        let changes = self.parameters.iter().filter(|(name, value)| is.get(*name) != Some(value));
        let changes = changes.map(|(name, value)| (name.clone(), Some(value.clone())));
        let resets = is.keys().filter(|name| !self.parameters.contains_key(*name)).map(|name| (name.clone(), None));
        let (changes, resets) = (changes.collect::<Vec<_>>(), resets.collect::<Vec<_>>());
        for some in changes.chunks(PARAMETERS_A_CALL) {
            let call = client(cx).modify_db_parameter_group().db_parameter_group_name(&seen.id);
            call.set_parameters(Some(wire(cx, &seen.id, some).await?)).send().await?;
        }
        for some in resets.chunks(PARAMETERS_A_CALL) {
            let call = client(cx).reset_db_parameter_group().db_parameter_group_name(&seen.id);
            call.set_parameters(Some(wire(cx, &seen.id, some).await?)).send().await?;
        }
        Ok(())
    }

    /// Safe to repeat: keys are set and removed.
    async fn tag(cx: &Cx, seen: &Seen<Self>, change: &TagChange) -> Result<()> {
        retag(cx, seen.attrs.get("arn"), change).await
    }

    /// Safe to repeat: gone is gone. Databases that use it hold it.
    async fn delete(cx: &Cx, seen: &Seen<Self>) -> Result<()> {
        client(cx).delete_db_parameter_group().db_parameter_group_name(&seen.id).send().await.gone()
    }

    fn check(&self) -> Vec<Problem> {
        lower_case(self.name.as_ref()).into_iter().collect()
    }
}

/// RDS takes no more.
const PARAMETERS_A_CALL: usize = 20;

/// What the group sets; the engine's hundreds of defaults are left out by RDS.
async fn parameters(cx: &Cx, group: &str) -> Result<Parameters> {
    let request = client(cx).describe_db_parameters().db_parameter_group_name(group).source("user");
    let found = request.into_paginator().items().send().try_collect().await?;
    let pairs = found.into_iter().filter_map(|parameter| Some((parameter.parameter_name?, parameter.parameter_value?)));
    Ok(pairs.collect())
}

/// Parameters to set, or to reset where they have no value. RDS refuses to apply at once what waits for a reboot, so it
/// is asked first which do.
async fn wire(cx: &Cx, group: &str, changes: &[(String, Option<String>)]) -> Result<Vec<Parameter>> {
    let names = changes.iter().map(|(name, _)| name.clone()).collect();
    let filter = Filter::builder().name("parameter-name").set_values(Some(names)).build();
    let request = client(cx).describe_db_parameters().db_parameter_group_name(group).filters(filter);
    let found = request.into_paginator().items().send().try_collect().await?;
    let fixed = found.into_iter().filter(|parameter| parameter.apply_type.as_deref() == Some("static"));
    let fixed = fixed.filter_map(|parameter| parameter.parameter_name).collect::<BTreeSet<_>>();
    let parameter = |(name, value): &(String, Option<String>)| {
        let method = if fixed.contains(name) { ApplyMethod::PendingReboot } else { ApplyMethod::Immediate };
        Parameter::builder().parameter_name(name).set_parameter_value(value.clone()).apply_method(method).build()
    };
    Ok(changes.iter().map(parameter).collect())
}

fn managed() -> String {
    "Managed by bullstra-up".into()
}
