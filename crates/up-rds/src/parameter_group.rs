//! `rds.parameter_group`: the parameters of a database engine.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_rds::{
    operation::describe_db_parameters::builders::DescribeDBParametersFluentBuilder,
    types::{ApplyMethod, Filter, Parameter},
};
use up_core::prelude::*;

use crate::{client, list, lower_case, owned};

/// A DB parameter group: values for parameters of the database engine that differ from its defaults.
#[spec]
pub struct ParameterGroup {
    /// Its name, unique in the account and region, in lower case. Default: derived from stack and address. A change
    /// replaces the group.
    #[spec(name)]
    name: Option<String>,
    /// The DB parameter group family: the engine with its major version, in lower case: `postgres16`, `mysql8.4`.
    #[spec(replace)]
    family: String,
    /// A description, shown in the console. Default: `Managed by bullstra-up`.
    #[spec(replace, default = "Managed by bullstra-up".into())]
    description: String,
    /// The parameters and their values, as text. Parameters that are left out have the engine's defaults. Dynamic
    /// parameters apply immediately, static ones with the next reboot of the DB instance: until then `plan` and `show`
    /// report that it waits for a reboot. `ON`, `on`, `true` and `1` are equal, and so are their opposites.
    #[spec(default)]
    parameters: Parameters,
}

type Parameters = BTreeMap<String, String>;

impl Kind for ParameterGroup {
    const NAME: &'static str = names::DbParameterGroup::NAME;
    const SERVICE: &'static up_core::Service = &crate::SERVICE;

    const INFO: KindInfo = KindInfo {
        cloudformation: "AWS::RDS::DBParameterGroup",
        actions: Actions {
            observe: actions!(rds: DescribeDBParameterGroups DescribeDBParameters ListTagsForResource),
            create: actions!(rds: CreateDBParameterGroup AddTagsToResource),
            update: actions!(rds: DescribeDBParameters ModifyDBParameterGroup ResetDBParameterGroup),
            tag: actions!(rds: AddTagsToResource RemoveTagsFromResource),
            delete: actions!(rds: DeleteDBParameterGroup),
        },
        attrs: &["arn", "name"],
        longest_name: 255,
        replace: Order::CreateBeforeDestroy,
        reads_desired: true,
        deletes_at_once: true,
        ..KindInfo::DEFAULT
    };

    async fn observe(cx: &Context, query: &Query) -> Result<Vec<Observed<Self>>> {
        let mut observed = Vec::new();
        for group in client(cx).describe_db_parameter_groups().into_paginator().items().send().try_collect().await? {
            let id = present(group.db_parameter_group_name, "name of a parameter group")?;
            let arn = present(group.db_parameter_group_arn, "ARN of a parameter group")?;
            let (family, description) = (read!(group.db_parameter_group_family)?, read!(group.description)?);
            let Some(tags) = owned(cx, query, &id, &arn).await? else { continue };
            let desired = query.desired(&tags).and_then(|desired| Self::deserialize(desired).ok());
            let found = parameters(cx, &id, desired.as_ref()).await?;
            let fixed = found.iter().filter(|parameter| is_static(parameter));
            let fixed = fixed.filter_map(Parameter::parameter_name).collect::<Vec<_>>().join(",");
            let spec = Self { name: Some(id.clone()), family, description, parameters: values(found) };
            let mut group = Observed::new(id.clone(), tags, spec).attr("arn", arn).attr("name", id);
            if !fixed.is_empty() {
                group.private.insert(STATIC.to_owned(), fixed);
            }
            observed.push(group);
        }
        Ok(observed)
    }

    /// Safe to repeat: names are unique. The parameters are set by `update`, because the create call takes none.
    async fn create(&self, cx: &Context, new: &NewResource) -> Result<Created<Self>> {
        let name = self.name.clone().unwrap_or_else(|| new.name(Self::INFO.longest_name));
        let request = client(cx).create_db_parameter_group().db_parameter_group_name(&name);
        let request = fill!(request, cx, self: family as db_parameter_group_family, description);
        request.set_tags(Some(list(&new.tags))).send().await?;
        Ok(name.into())
    }

    /// Sets differing parameters and resets those that are left out, 20 in each call. Safe to repeat: parameters are
    /// set.
    async fn update(&self, cx: &Context, observed: &Observed<Self>) -> Result<()> {
        let is = &observed.spec.parameters;
        let changes = self.parameters.iter().filter(|(name, value)| is.get(*name) != Some(value));
        let changes = changes.map(|(name, value)| (name.clone(), Some(value.clone())));
        let resets = is.keys().filter(|name| !self.parameters.contains_key(*name)).map(|name| (name.clone(), None));
        let (changes, resets) = (changes.collect::<Vec<_>>(), resets.collect::<Vec<_>>());
        for some in changes.chunks(PARAMETERS_A_CALL) {
            let call = client(cx).modify_db_parameter_group().db_parameter_group_name(&observed.id);
            call.set_parameters(Some(wire(cx, &observed.id, some).await?)).send().await?;
        }
        for some in resets.chunks(PARAMETERS_A_CALL) {
            let call = client(cx).reset_db_parameter_group().db_parameter_group_name(&observed.id);
            call.set_parameters(Some(wire(cx, &observed.id, some).await?)).send().await?;
        }
        Ok(())
    }

    /// Safe to repeat: a second delete finds nothing. RDS refuses it while DB instances use the group.
    async fn delete(cx: &Context, observed: &Observed<Self>) -> Result<()> {
        client(cx).delete_db_parameter_group().db_parameter_group_name(&observed.id).send().await?;
        Ok(())
    }

    /// RDS does not reboot a DB instance for a static parameter, and a reboot causes downtime: users choose the time.
    fn delays(&self, observed: &Observed<Self>) -> Vec<String> {
        let is = &observed.spec.parameters;
        let fixed = observed.private.get(STATIC).map(|names| names.split(',')).into_iter().flatten();
        let changed = fixed.filter(|name| is.get(*name) != self.parameters.get(*name));
        let changed: Vec<_> = changed.map(|name| format!("`{name}`")).collect();
        let message =
            "takes effect with the next reboot of the DB instances that use the group (`aws rds reboot-db-instance`)";
        let names = changed.join(", ");
        (!changed.is_empty()).then(|| format!("{message}: {names}")).into_iter().collect()
    }

    fn check(&self) -> Vec<Problem> {
        let small = self.family.to_ascii_lowercase();
        let rules = problems! { self.family != small => "family", "RDS has families in lower case: `{small}`"; };
        lower_case(self.name.as_ref()).into_iter().chain(rules).collect()
    }

    /// A boolean parameter that has another spelling is equal.
    fn accept(mut self, observed: &Observed<Self>) -> Self {
        for (name, value) in &mut self.parameters {
            let live = observed.spec.parameters.get(name).filter(|live| is_same_switch(live, value));
            live.into_iter().for_each(|live| value.clone_from(live));
        }
        self
    }
}

/// The private note with the names of the group's static parameters.
const STATIC: &str = "static";
/// The most parameters that RDS takes in one call.
const PARAMETERS_A_CALL: usize = 20;

/// True for two spellings of the same boolean. RDS answers with `1` and `0`.
fn is_same_switch(one: &str, other: &str) -> bool {
    let position = |text: &str| match text.to_ascii_lowercase().as_str() {
        "1" | "on" | "true" | "yes" => Some(true),
        "0" | "off" | "false" | "no" => Some(false),
        _ => None,
    };
    position(one).is_some_and(|one| position(other) == Some(one))
}

/// The parameters that the group sets: RDS leaves out the engine's hundreds of defaults. RDS does not count a parameter
/// that is set to its default value: for those that the stack declares, the value is requested separately. No other
/// answer contains it: descriptions of groups and DB instances have no values, and the list of all parameters has
/// hundreds, in pages of 100.
async fn parameters(cx: &Context, group: &str, desired: Option<&ParameterGroup>) -> Result<Vec<Parameter>> {
    let request = client(cx).describe_db_parameters().db_parameter_group_name(group);
    let mut found = all(request.clone().source("user")).await?;
    let desired = desired.into_iter().flat_map(|desired| desired.parameters.keys());
    let is_set = |name: &String| found.iter().any(|parameter| parameter.parameter_name() == Some(name));
    let unset = desired.filter(|name| !is_set(name)).cloned().collect::<Vec<_>>();
    if !unset.is_empty() {
        found.extend(all(request.filters(named(unset))).await?);
    }
    Ok(found)
}

async fn all(request: DescribeDBParametersFluentBuilder) -> Result<Vec<Parameter>> {
    Ok(request.into_paginator().items().send().try_collect().await?)
}

fn values(found: Vec<Parameter>) -> Parameters {
    let pairs = found.into_iter().filter_map(|parameter| Some((parameter.parameter_name?, parameter.parameter_value?)));
    pairs.collect()
}

fn is_static(parameter: &Parameter) -> bool {
    parameter.apply_type.as_deref() == Some("static")
}

fn named(names: Vec<String>) -> Filter {
    Filter::builder().name("parameter-name").set_values(Some(names)).build()
}

/// Parameters to set, or to reset if they have no value. RDS refuses to apply static parameters immediately: which ones
/// are static is requested first.
async fn wire(cx: &Context, group: &str, changes: &[(String, Option<String>)]) -> Result<Vec<Parameter>> {
    let names = changes.iter().map(|(name, _)| name.clone()).collect();
    let request = client(cx).describe_db_parameters().db_parameter_group_name(group).filters(named(names));
    let fixed = all(request).await?.into_iter().filter(is_static);
    let fixed = fixed.filter_map(|parameter| parameter.parameter_name).collect::<BTreeSet<_>>();
    let parameter = |(name, value): &(String, Option<String>)| {
        let method = if fixed.contains(name) { ApplyMethod::PendingReboot } else { ApplyMethod::Immediate };
        Parameter::builder().parameter_name(name).set_parameter_value(value.clone()).apply_method(method).build()
    };
    Ok(changes.iter().map(parameter).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn switches_have_many_spellings() {
        assert!(is_same_switch("1", "ON") && is_same_switch("0", "off") && is_same_switch("1", "true"));
        assert!(!is_same_switch("1", "off") && !is_same_switch("1", "2") && !is_same_switch("local", "remote"));
    }
}
