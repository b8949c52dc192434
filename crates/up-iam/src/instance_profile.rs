//! `iam.instance_profile`: the role of a virtual machine.

use up_core::prelude::*;

use crate::{PAGE, check_name, client, list, path, prefix, tags};

/// Gives EC2 instances a role to act as.
///
/// It stands under the path `/bullstra-up/<stack>/`.
#[spec]
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
    const SERVICE: &'static up_core::Service = &crate::SERVICE;

    const INFO: KindInfo = KindInfo {
        cloudformation: "AWS::IAM::InstanceProfile",
        actions: Actions {
            observe: actions!(iam: ListInstanceProfiles ListInstanceProfileTags),
            create: actions!(iam: CreateInstanceProfile TagInstanceProfile),
            update: actions!(iam: RemoveRoleFromInstanceProfile AddRoleToInstanceProfile PassRole),
            tag: actions!(iam: TagInstanceProfile UntagInstanceProfile),
            delete: actions!(iam: RemoveRoleFromInstanceProfile DeleteInstanceProfile),
        },
        attrs: &["arn", "name"],
        longest_name: 128,
        // The index lists nothing of IAM's.
        indexed: false,
        deletes_at_once: true,
        ..KindInfo::DEFAULT
    };

    async fn observe(cx: &Context, query: &Query) -> Result<Vec<Observed<Self>>> {
        let request = client(cx).list_instance_profiles().path_prefix(prefix(query)).max_items(PAGE);
        let profiles = request.into_paginator().items().send().try_collect().await?;
        let profiles = profiles.into_iter().filter(|profile| query.wants(&profile.instance_profile_name));
        found(profiles.map(|profile| read(cx, profile))).await
    }

    /// Safe to repeat: names are unique, so a second one is refused.
    async fn create(&self, cx: &Context, new: &NewResource) -> Result<Created<Self>> {
        let name = self.name.clone().unwrap_or_else(|| new.name(Self::INFO.longest_name));
        let request = client(cx).create_instance_profile().instance_profile_name(&name).path(path(&new.stack));
        let answer = request.set_tags(Some(list(&new.tags))).send().await?;
        let made = present(answer.instance_profile, "instance profile that it made")?;
        Ok(observed(made, name, new.tags.clone()).into())
    }

    /// A profile holds one role at most: the old one leaves first. Safe to repeat: with its role in it, it is full.
    async fn update(&self, cx: &Context, observed: &Observed<Self>) -> Result<()> {
        let Some(role) = &self.role else { return Ok(()) };
        let desired = cx.id(role)?;
        match &observed.spec.role {
            Some(role) if cx.id(role)? == desired => return Ok(()),
            Some(role) => remove(cx, &observed.id, &cx.id(role)?).await?,
            None => {}
        }
        let call = client(cx).add_role_to_instance_profile().instance_profile_name(&observed.id);
        match call.role_name(desired).send().await.map_err(Error::from) {
            // An earlier try, whose answer was lost, has filled it; with another's role in it, the next look tells.
            Err(error) if error.code == "LimitExceeded" => Ok(()),
            added => added.map(drop),
        }
    }

    /// Removes before it sets, see [`crate::role`]. Safe to repeat: keys are removed, and then all of the new ones are set.
    async fn tag(cx: &Context, observed: &Observed<Self>, change: &TagChange) -> Result<()> {
        if !change.remove.is_empty() {
            let keys = change.remove.iter().cloned().collect();
            let call = client(cx).untag_instance_profile().instance_profile_name(&observed.id);
            call.set_tag_keys(Some(keys)).send().await?;
        }
        if !change.set.is_empty() {
            let call = client(cx).tag_instance_profile().instance_profile_name(&observed.id);
            call.set_tags(Some(list(&change.set))).send().await?;
        }
        Ok(())
    }

    /// Safe to repeat: a second delete finds nothing.
    async fn delete(cx: &Context, observed: &Observed<Self>) -> Result<()> {
        if let Some(role) = &observed.spec.role {
            remove(cx, &observed.id, &cx.id(role)?).await?;
        }
        client(cx).delete_instance_profile().instance_profile_name(&observed.id).send().await?;
        Ok(())
    }

    fn check(&self) -> Vec<Problem> {
        let name = check_name("name", self.name.as_ref(), Self::INFO.longest_name);
        let rules = problems! { self.role.is_none() => "role", "missing: the role that instances act as"; };
        name.into_iter().chain(rules).collect()
    }
}

/// `None`: gone meanwhile.
async fn read(cx: &Context, profile: aws_sdk_iam::types::InstanceProfile) -> Result<Option<Observed<InstanceProfile>>> {
    let name = profile.instance_profile_name.clone();
    // The SDK fills in what is required and missing.
    if name.is_empty() {
        return Err(Error::absent("name of an instance profile"));
    }
    let request = client(cx).list_instance_profile_tags().instance_profile_name(&name);
    let listed = request.into_paginator().items().send().try_collect().await.unless_gone()?;
    Ok(listed.map(|listed| observed(profile, name, tags(Some(listed)))))
}

fn observed(profile: aws_sdk_iam::types::InstanceProfile, name: String, tags: Tags) -> Observed<InstanceProfile> {
    let role = profile.roles.into_iter().next().map(|role| Ref::id(role.role_name));
    let spec = InstanceProfile { name: Some(name.clone()), role };
    Observed::new(name.clone(), tags, spec).attr("arn", profile.arn).attr("name", name).created_at(profile.create_date)
}

async fn remove(cx: &Context, profile: &str, role: &str) -> Result<()> {
    let call = client(cx).remove_role_from_instance_profile().instance_profile_name(profile);
    call.role_name(role).send().await.ignore_not_found()
}
