//! `iam.role`: what a service or a person may act as.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_iam::types::{EntityType, PolicyDetail, RoleDetail};
use futures_util::future::try_join;
use up_core::prelude::*;

use crate::{
    PAGE, all, boundary::Boundary, check_description, check_document, check_name, client, document, list, path,
    path_of, prefix, tags,
};

/// A set of permissions that a service, or someone of another account, may act with.
///
/// It stands under the path `/bullstra-up/<stack>/`. Deleting it detaches its policies, deletes its inline policies and
/// takes it out of the stack's instance profiles.
#[spec]
pub struct Role {
    /// Its name, 64 characters at most. Default: derived from stack and address. A change replaces it.
    #[spec(name)]
    name: Option<String>,
    /// Who may act as it: a policy with principals (the "trust policy").
    assume_role_policy_document: PolicyDocument,
    /// What it is for. Default: empty.
    #[spec(default)]
    description: String,
    /// Managed policies attached to it: names of `iam.policy`, or `{ id = "arn:aws:iam::aws:policy/…" }` for one
    /// outside the stack. Default: none.
    #[spec(detachable, default)]
    managed_policies: BTreeSet<Ref<names::Policy>>,
    /// Policies that are part of it, by name. Default: none.
    #[spec(default)]
    inline_policies: BTreeMap<String, PolicyDocument>,
    /// Longest session anyone may ask for, in seconds: 3,600 to 43,200. Default: 3600.
    #[spec(default = 3600)]
    max_session_duration: i32,
    /// A managed policy that caps what the role's own policies may allow; `""` removes it. Left out: as it is, which is none
    /// at first.
    permissions_boundary: Option<Boundary>,
}

impl Kind for Role {
    const NAME: &'static str = names::Role::NAME;
    const SERVICE: &'static up_core::Service = &crate::SERVICE;

    const INFO: KindInfo = KindInfo {
        cloudformation: "AWS::IAM::Role",
        actions: Actions {
            observe: actions!(iam: GetAccountAuthorizationDetails ListRoles GetRole),
            create: actions!(iam: CreateRole TagRole PutRolePermissionsBoundary),
            update: actions!(iam: UpdateAssumeRolePolicy UpdateRole PutRolePermissionsBoundary
                DeleteRolePermissionsBoundary AttachRolePolicy DetachRolePolicy PutRolePolicy DeleteRolePolicy),
            tag: actions!(iam: TagRole UntagRole),
            delete: actions!(iam: ListAttachedRolePolicies ListRolePolicies ListInstanceProfilesForRole DetachRolePolicy
                DeleteRolePolicy RemoveRoleFromInstanceProfile DeleteRole),
        },
        attrs: &["arn", "name"],
        longest_name: 64,
        names_ignore_case: true,
        tags: TagRules::WITHOUT_CASE,
        // The index lists nothing of IAM's.
        indexed: false,
        deletes_at_once: true,
        ..KindInfo::DEFAULT
    };

    /// Two calls, however many roles: one brings policies and tags, the other what that one leaves out.
    async fn observe(cx: &Context, query: &Query) -> Result<Vec<Observed<Self>>> {
        let details = client(cx).get_account_authorization_details().filter(EntityType::Role).max_items(PAGE);
        let listed = client(cx).list_roles().path_prefix(prefix(query)).max_items(PAGE);
        let (details, listed) =
            try_join(async { details.into_paginator().send().try_collect().await.map_err(Error::from) }, async {
                listed.into_paginator().items().send().try_collect().await.map_err(Error::from)
            })
            .await?;
        let listed = listed.into_iter().map(|role| (role.role_name, (role.description, role.max_session_duration)));
        let mut listed: BTreeMap<_, _> = listed.collect();
        let mut observed = Vec::new();
        for mut detail in all(details, |page| page.role_detail_list, "list of roles")? {
            let tags = tags(detail.tags.take());
            if !query.accepts(detail.role_name.as_deref().unwrap_or_default(), &tags) {
                continue;
            }
            let name = present(detail.role_name.take(), "name of a role")?;
            let rest = match listed.remove(&name) {
                Some(rest) => Some(rest),
                None => elsewhere(cx, &name).await?,
            };
            if let Some((description, duration)) = rest {
                observed.push(read(name, tags, detail, description, duration)?);
            }
        }
        Ok(observed)
    }

    /// Safe to repeat: names are unique, so a second one is refused.
    async fn create(&self, cx: &Context, new: &NewResource) -> Result<Created<Self>> {
        let name = self.name.clone().unwrap_or_else(|| new.name(Self::INFO.longest_name));
        let boundary = Boundary::arn(&self.permissions_boundary, cx)?;
        let request = client(cx).create_role().role_name(&name).path(path(&new.stack));
        let request = request.set_permissions_boundary(boundary).set_tags(Some(list(&new.tags)));
        let request = fill!(request, cx, self: assume_role_policy_document, description, max_session_duration);
        let role = present(request.send().await?.role, "role that it made")?;
        // It begins with what the call sets, and with no policies.
        let none = (BTreeSet::new(), BTreeMap::new());
        let spec = Self { name: Some(name), managed_policies: none.0, inline_policies: none.1, ..self.clone() };
        Ok(spec.observed(role.arn, new.tags.clone()).into())
    }

    /// Grants what is missing before it takes away what is extra. Safe to repeat: everything is set.
    async fn update(&self, cx: &Context, observed: &Observed<Self>) -> Result<()> {
        let (iam, name, was) = (client(cx), &observed.id, &observed.spec);
        if self.assume_role_policy_document != was.assume_role_policy_document {
            let call = iam.update_assume_role_policy().role_name(name);
            call.policy_document(self.assume_role_policy_document.text()).send().await?;
        }
        if self.description != was.description || self.max_session_duration != was.max_session_duration {
            let call = iam.update_role().role_name(name);
            fill!(call, cx, self: description, max_session_duration).send().await?;
        }
        if self.permissions_boundary.is_some() {
            match (Boundary::arn(&was.permissions_boundary, cx)?, Boundary::arn(&self.permissions_boundary, cx)?) {
                (observed, desired) if observed == desired => {}
                (_, Some(arn)) => {
                    _ = iam.put_role_permissions_boundary().role_name(name).permissions_boundary(arn).send().await?
                }
                (_, None) => iam.delete_role_permissions_boundary().role_name(name).send().await.ignore_not_found()?,
            }
        }
        let (observed, desired) = (arns(cx, &was.managed_policies)?, arns(cx, &self.managed_policies)?);
        for arn in desired.difference(&observed) {
            iam.attach_role_policy().role_name(name).policy_arn(arn).send().await?;
        }
        for (policy, document) in &self.inline_policies {
            if was.inline_policies.get(policy) != Some(document) {
                let call = iam.put_role_policy().role_name(name).policy_name(policy);
                call.policy_document(document.text()).send().await?;
            }
        }
        for arn in observed.difference(&desired) {
            iam.detach_role_policy().role_name(name).policy_arn(arn).send().await.ignore_not_found()?;
        }
        for policy in was.inline_policies.keys().filter(|policy| !self.inline_policies.contains_key(*policy)) {
            iam.delete_role_policy().role_name(name).policy_name(policy).send().await.ignore_not_found()?;
        }
        Ok(())
    }

    /// To IAM, `environment` is `Environment`: what goes is taken away before anything is set, or the new one would go with
    /// it. Safe to repeat: keys are removed, and then all of the new ones are set.
    async fn tag(cx: &Context, observed: &Observed<Self>, change: &TagChange) -> Result<()> {
        let is_set =
            |key: &&String| change.set.keys().any(|set| set != *key && set.to_lowercase() == key.to_lowercase());
        let remove: BTreeSet<_> = change.remove.iter().chain(observed.tags.keys().filter(is_set)).cloned().collect();
        if !remove.is_empty() {
            let keys = remove.into_iter().collect();
            client(cx).untag_role().role_name(&observed.id).set_tag_keys(Some(keys)).send().await?;
        }
        if !change.set.is_empty() {
            client(cx).tag_role().role_name(&observed.id).set_tags(Some(list(&change.set))).send().await?;
        }
        Ok(())
    }

    /// Takes from it what was seen to hang on it, and asks what does only where IAM says that something is left. Safe to
    /// repeat: a second delete finds nothing.
    async fn delete(cx: &Context, observed: &Observed<Self>) -> Result<()> {
        let role = &observed.id;
        leave_profiles(cx, role, &path_of(&observed.tags)?).await.ignore_not_found()?;
        let inline = observed.spec.inline_policies.keys().cloned().collect();
        strip(cx, role, arns(cx, &observed.spec.managed_policies)?, inline).await?;
        let delete = async || client(cx).delete_role().role_name(role).send().await.map(drop).map_err(Error::from);
        match delete().await {
            Err(error) if error.kind == ErrorKind::Conflict => {
                let (attached, inline) = policies(cx, role).await?;
                strip(cx, role, attached, inline).await?;
                delete().await
            }
            deleted => deleted,
        }
    }

    fn check(&self) -> Vec<Problem> {
        let name = check_name("name", self.name.as_ref(), Self::INFO.longest_name);
        let trust = check_document("assume_role_policy_document", &self.assume_role_policy_document);
        let inline = self.inline_policies.iter().flat_map(|(name, document)| {
            let field = format!("inline_policies.{name}");
            [check_name(&field, name, 128), check_document(&field, document)]
        });
        let session = self.max_session_duration;
        let rules = problems! {
            !(3600..=43200).contains(&session) => "max_session_duration",
                "a session lasts 3,600 to 43,200 seconds, and this is {session}";
        };
        let texts = [name, trust, check_description(&self.description)].into_iter().flatten();
        texts.chain(rules).chain(inline.flatten()).collect()
    }
}

/// Description and session of a role of ours that stands under another path. `None`: gone meanwhile.
async fn elsewhere(cx: &Context, name: &str) -> Result<Option<(Option<String>, Option<i32>)>> {
    let Some(answer) = client(cx).get_role().role_name(name).send().await.unless_gone()? else { return Ok(None) };
    let role = present(answer.role, "role")?;
    Ok(Some((role.description, role.max_session_duration)))
}

fn read(
    name: String,
    tags: Tags,
    detail: RoleDetail,
    description: Option<String>,
    duration: Option<i32>,
) -> Result<Observed<Role>> {
    let attached = detail.attached_managed_policies.into_iter().flatten().filter_map(|policy| policy.policy_arn);
    let boundary = detail.permissions_boundary.and_then(|boundary| boundary.permissions_boundary_arn);
    let inline = detail.role_policy_list.into_iter().flatten().map(inline_policy).collect::<Result<_>>()?;
    let spec = Role {
        name: Some(name),
        assume_role_policy_document: document(detail.assume_role_policy_document)?,
        // IAM leaves out a description that is empty.
        description: description.unwrap_or_default(),
        managed_policies: attached.map(Ref::id).collect(),
        inline_policies: inline,
        max_session_duration: duration.unwrap_or_else(Role::default_max_session_duration),
        permissions_boundary: Some(boundary.map_or(Boundary::None, |arn| Boundary::Policy(Ref::id(arn)))),
    };
    Ok(spec.observed(present(detail.arn, "ARN of a role")?, tags).created_at(detail.create_date))
}

impl Role {
    fn observed(self, arn: String, tags: Tags) -> Observed<Self> {
        let name = self.name.clone().unwrap_or_default();
        Observed::new(name.clone(), tags, self).attr("arn", arn).attr("name", name)
    }
}

fn inline_policy(policy: PolicyDetail) -> Result<(String, PolicyDocument)> {
    let name = present(policy.policy_name, "name of an inline policy")?;
    Ok((name, document(policy.policy_document)?))
}

fn arns<'a>(cx: &Context, policies: impl IntoIterator<Item = &'a Ref<names::Policy>>) -> Result<BTreeSet<String>> {
    policies.into_iter().map(|policy| cx.attr(policy, "arn")).collect()
}

/// Takes a role out of the stack's instance profiles. Refused, before anything is changed, where another's holds it.
async fn leave_profiles(cx: &Context, role: &str, path: &str) -> Result<()> {
    let profiles = client(cx).list_instance_profiles_for_role().role_name(role).into_paginator().items().send();
    let profiles = profiles.try_collect().await?;
    if let Some(other) = profiles.iter().find(|profile| profile.path != path) {
        let name = &other.instance_profile_name;
        return Err(Error::held(format!("instance profile `{name}`, which is not this stack's, holds the role")));
    }
    for profile in profiles {
        let call = client(cx).remove_role_from_instance_profile().role_name(role);
        call.instance_profile_name(profile.instance_profile_name).send().await.ignore_not_found()?;
    }
    Ok(())
}

/// Takes from a role all policies that IAM does not delete with it: those attached, by ARN, and its own, by name.
async fn strip(cx: &Context, role: &str, attached: BTreeSet<String>, inline: BTreeSet<String>) -> Result<()> {
    for arn in attached {
        client(cx).detach_role_policy().role_name(role).policy_arn(arn).send().await.ignore_not_found()?;
    }
    for name in inline {
        client(cx).delete_role_policy().role_name(role).policy_name(name).send().await.ignore_not_found()?;
    }
    Ok(())
}

/// The policies of a role now, as [`strip`] takes them.
async fn policies(cx: &Context, role: &str) -> Result<(BTreeSet<String>, BTreeSet<String>)> {
    let attached = client(cx).list_attached_role_policies().role_name(role);
    let inline = client(cx).list_role_policies().role_name(role);
    let (attached, inline): (Vec<_>, Vec<_>) =
        try_join(async { attached.into_paginator().items().send().try_collect().await.map_err(Error::from) }, async {
            inline.into_paginator().items().send().try_collect().await.map_err(Error::from)
        })
        .await?;
    Ok((attached.into_iter().filter_map(|policy| policy.policy_arn).collect(), inline.into_iter().collect()))
}
