//! `iam.instance_profile`: the role of a virtual machine.

use up_core::prelude::*;

use crate::{PAGE, check_name, client, list, path, tags};

/// Gives EC2 instances a role to act as.
///
/// It stands under the path `/bullstra-up/<stack>/`.
#[derive(Spec, Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InstanceProfile {
    /// Its name, 128 characters at most. Default: derived from stack and address. A change replaces it.
    #[spec(name)]
    name: Option<String>,
    /// The role that instances with this profile act as. Changed in place: for a moment there is none.
    #[schemars(required)]
    role: Option<Ref<names::Role>>,
}

impl Kind for InstanceProfile {
    const NAME: &'static str = "iam.instance_profile";

    const ABOUT: About = About {
        cloudformation: "AWS::IAM::InstanceProfile",
        actions: Actions {
            observe: &["iam:ListInstanceProfiles", "iam:ListInstanceProfileTags"],
            create: &["iam:CreateInstanceProfile", "iam:TagInstanceProfile"],
            update: &["iam:RemoveRoleFromInstanceProfile", "iam:AddRoleToInstanceProfile", "iam:PassRole"],
            tag: &["iam:TagInstanceProfile", "iam:UntagInstanceProfile"],
            delete: &["iam:RemoveRoleFromInstanceProfile", "iam:DeleteInstanceProfile"],
        },
        attrs: &["arn", "name"],
        longest_name: 128,
        ..About::DEFAULT
    };

    async fn observe(cx: &Cx, scope: &Scope) -> Result<Vec<Seen<Self>>> {
        let request = client(cx).list_instance_profiles().path_prefix(path(&scope.stack)).max_items(PAGE);
        let profiles = request.into_paginator().items().send().try_collect().await?;
        let profiles = profiles.into_iter().filter(|profile| scope.wants(&profile.instance_profile_name));
        let seen: Vec<Option<Seen<Self>>> = at_once(profiles.map(|profile| read(cx, profile))).await?;
        Ok(seen.into_iter().flatten().filter(|seen| scope.owns(&seen.tags)).collect())
    }

    /// Safe to repeat: names are unique, so a second one is refused.
    async fn create(&self, cx: &Cx, birth: &Birth) -> Result<String> {
        let name = self.name.clone().unwrap_or_else(|| birth.name(Self::ABOUT.longest_name));
        let request = client(cx).create_instance_profile().instance_profile_name(&name).path(path(&birth.stack));
        request.set_tags(Some(list(&birth.tags))).send().await?;
        Ok(name)
    }

    /// A profile holds one role at most: the old one leaves first. Safe to repeat: with its role in it, it is full.
    async fn update(&self, cx: &Cx, seen: &Seen<Self>) -> Result<()> {
        let Some(role) = &self.role else { return Ok(()) };
        let want = cx.id(role)?;
        match &seen.spec.role {
            Some(role) if cx.id(role)? == want => return Ok(()),
            Some(role) => remove(cx, &seen.id, &cx.id(role)?).await?,
            None => {}
        }
        let call = client(cx).add_role_to_instance_profile().instance_profile_name(&seen.id);
        match call.role_name(want).send().await.map_err(Error::from) {
            // An earlier try, whose answer was lost, has filled it; with another's role in it, the next look tells.
            Err(error) if error.code == "LimitExceeded" => Ok(()),
            added => added.map(drop),
        }
    }

    /// Removes before it sets, see [`crate::role`]. Safe to repeat: keys are removed, and then all of the new ones are set.
    async fn tag(cx: &Cx, seen: &Seen<Self>, change: &TagChange) -> Result<()> {
        if !change.remove.is_empty() {
            let keys = change.remove.iter().cloned().collect();
            let call = client(cx).untag_instance_profile().instance_profile_name(&seen.id);
            call.set_tag_keys(Some(keys)).send().await?;
        }
        if !change.set.is_empty() {
            let call = client(cx).tag_instance_profile().instance_profile_name(&seen.id);
            call.set_tags(Some(list(&change.set))).send().await?;
        }
        Ok(())
    }

    /// Safe to repeat: gone is gone.
    async fn delete(cx: &Cx, seen: &Seen<Self>) -> Result<()> {
        if let Some(role) = &seen.spec.role {
            remove(cx, &seen.id, &cx.id(role)?).await?;
        }
        client(cx).delete_instance_profile().instance_profile_name(&seen.id).send().await.gone()
    }

    fn check(&self) -> Vec<Problem> {
        let name = self.name.as_ref().and_then(|name| check_name("name", name, Self::ABOUT.longest_name));
        let role = self.role.is_none().then(|| Problem::new("role", "missing: the role that instances act as"));
        [name, role].into_iter().flatten().collect()
    }
}

/// `None`: gone meanwhile.
async fn read(cx: &Cx, profile: aws_sdk_iam::types::InstanceProfile) -> Result<Option<Seen<InstanceProfile>>> {
    let name = profile.instance_profile_name;
    // The SDK fills in what is required and missing.
    if name.is_empty() {
        return Err(Error::absent("name of an instance profile"));
    }
    let request = client(cx).list_instance_profile_tags().instance_profile_name(&name);
    let tags = match request.into_paginator().items().send().try_collect().await.map_err(Error::from) {
        Ok(listed) => tags(listed),
        Err(error) if error.kind == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let role = profile.roles.into_iter().next().map(|role| Ref::id(role.role_name));
    let attrs = [("arn".into(), profile.arn), ("name".into(), name.clone())].into();
    let spec = InstanceProfile { name: Some(name.clone()), role };
    Ok(Some(Seen { id: name, tags, attrs, status: Status::Ready, notes: vec![], spec }))
}

async fn remove(cx: &Cx, profile: &str, role: &str) -> Result<()> {
    let call = client(cx).remove_role_from_instance_profile().instance_profile_name(profile);
    call.role_name(role).send().await.gone()
}
