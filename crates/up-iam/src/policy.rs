//! `iam.policy`: permissions to be attached to roles.

use aws_sdk_iam::types::{EntityType, ManagedPolicyDetail, PolicyUsageType, PolicyVersion};
use up_core::prelude::*;

use crate::{
    PAGE, all, check_description, check_document, check_name, client, document, list, path, path_of, prefix, tags,
};

/// A managed policy of the account's own: permissions that several roles may share.
///
/// It stands under the path `/bullstra-up/<stack>/`. A change to its document is a new version; IAM keeps five, and the
/// oldest is deleted to make room.
#[spec]
pub struct Policy {
    /// Its name, 128 characters at most. Default: derived from stack and address. A change replaces it.
    #[spec(name)]
    name: Option<String>,
    /// What it is for. Default: empty. IAM never changes it: a change replaces the policy.
    #[spec(replace, default)]
    description: String,
    /// What it allows and denies.
    policy_document: PolicyDocument,
}

/// The most versions IAM keeps of one policy.
const VERSIONS: usize = 5;

impl Kind for Policy {
    const NAME: &'static str = names::Policy::NAME;
    const SERVICE: &'static up_core::Service = &crate::SERVICE;

    const INFO: KindInfo = KindInfo {
        cloudformation: "AWS::IAM::ManagedPolicy",
        actions: Actions {
            observe: actions!(iam: GetAccountAuthorizationDetails ListPolicyTags),
            create: actions!(iam: CreatePolicy TagPolicy),
            update: actions!(iam: ListPolicyVersions DeletePolicyVersion CreatePolicyVersion),
            tag: actions!(iam: TagPolicy UntagPolicy),
            delete: actions!(iam: ListEntitiesForPolicy DetachRolePolicy ListPolicyVersions DeletePolicyVersion
                DeletePolicy),
        },
        attrs: &["arn", "name"],
        longest_name: 128,
        // The index lists nothing of IAM's.
        indexed: false,
        deletes_at_once: true,
        names_ignore_case: true,
        ..KindInfo::DEFAULT
    };

    /// One call for all policies with their documents, and one for the tags of each that may be ours.
    async fn observe(cx: &Context, query: &Query) -> Result<Vec<Observed<Self>>> {
        let request = client(cx).get_account_authorization_details().filter(EntityType::LocalManagedPolicy);
        let pages = request.max_items(PAGE).into_paginator().send().try_collect().await?;
        let ours = prefix(query);
        let may_be_ours = |policy: &ManagedPolicyDetail| {
            let known = policy.arn.as_ref().is_some_and(|arn| query.known.contains(arn));
            let is_named = policy.policy_name.as_ref().is_some_and(|name| query.wanted_name(name).is_some());
            known || !query.is_by_id() && (is_named || policy.path.as_ref().is_some_and(|path| path.starts_with(&ours)))
        };
        let policies = all(pages, |page| page.policies, "list of policies")?;
        if policies.iter().any(|policy| policy.path.is_none()) {
            return Err(Error::absent("path of a policy"));
        }
        let policies = policies.into_iter().filter(may_be_ours);
        found(policies.map(|policy| read(cx, policy))).await
    }

    /// Safe to repeat: names are unique, so a second one is refused.
    async fn create(&self, cx: &Context, new: &NewResource) -> Result<Created<Self>> {
        let name = self.name.clone().unwrap_or_else(|| new.name(Self::INFO.longest_name));
        let request = client(cx).create_policy().policy_name(&name).path(path(&new.stack));
        let request = fill!(request, cx, self: description, policy_document).set_tags(Some(list(&new.tags)));
        let arn = request.send().await?.policy.and_then(|policy| policy.arn);
        let arn = present(arn, "ARN of the policy it made")?;
        Ok(Self { name: Some(name.clone()), ..self.clone() }.observed(arn, name, new.tags.clone()).into())
    }

    /// Makes a new version the default. Repeated, it makes one more of the same content, which does no harm.
    async fn update(&self, cx: &Context, observed: &Observed<Self>) -> Result<()> {
        if self.policy_document == observed.spec.policy_document {
            return Ok(());
        }
        let mut spare = other_versions(cx, &observed.id).await?;
        spare.sort_by_key(|version| version.create_date);
        let surplus = (spare.len() + 2).saturating_sub(VERSIONS);
        for version in spare.into_iter().take(surplus) {
            delete_version(cx, &observed.id, version).await?;
        }
        let call = client(cx).create_policy_version().policy_arn(&observed.id).set_as_default(true);
        fill!(call, cx, self: policy_document).send().await?;
        Ok(())
    }

    /// Removes before it sets, see [`crate::role`]. Safe to repeat: keys are removed, and then all of the new ones are set.
    async fn tag(cx: &Context, observed: &Observed<Self>, change: &TagChange) -> Result<()> {
        if !change.remove.is_empty() {
            let keys = change.remove.iter().cloned().collect();
            client(cx).untag_policy().policy_arn(&observed.id).set_tag_keys(Some(keys)).send().await?;
        }
        if !change.set.is_empty() {
            client(cx).tag_policy().policy_arn(&observed.id).set_tags(Some(list(&change.set))).send().await?;
        }
        Ok(())
    }

    /// Detaches it from roles of the stack only: while someone else's hold it, IAM refuses. Safe to repeat: a second delete finds nothing.
    async fn delete(cx: &Context, observed: &Observed<Self>) -> Result<()> {
        empty(cx, &observed.id, &path_of(&observed.tags)?).await?;
        client(cx).delete_policy().policy_arn(&observed.id).send().await?;
        Ok(())
    }

    fn check(&self) -> Vec<Problem> {
        let name = check_name("name", self.name.as_ref(), Self::INFO.longest_name);
        let document = check_document("policy_document", &self.policy_document);
        [name, check_description(&self.description), document].into_iter().flatten().collect()
    }
}

impl Policy {
    fn observed(self, arn: String, name: String, tags: Tags) -> Observed<Self> {
        Observed::new(arn.clone(), tags, self).attr("arn", arn).attr("name", name)
    }
}

/// `None`: gone meanwhile.
async fn read(cx: &Context, policy: ManagedPolicyDetail) -> Result<Option<Observed<Policy>>> {
    let (arn, name) = (present(policy.arn, "ARN of a policy")?, present(policy.policy_name, "name of a policy")?);
    let listed = client(cx).list_policy_tags().policy_arn(&arn).into_paginator().items().send().try_collect().await;
    let Some(listed) = listed.unless_gone()? else { return Ok(None) };
    let current = policy.policy_version_list.into_iter().flatten().find(|version| version.is_default_version);
    let spec = Policy {
        name: Some(name.clone()),
        // IAM leaves out a description that is empty.
        description: policy.description.unwrap_or_default(),
        policy_document: document(current.and_then(|version| version.document))?,
    };
    Ok(Some(spec.observed(arn, name, tags(Some(listed))).created_at(policy.create_date)))
}

/// Takes from a policy all that IAM does not delete with it.
async fn empty(cx: &Context, arn: &str, path: &str) -> Result<()> {
    let holders = client(cx).list_entities_for_policy().policy_arn(arn).path_prefix(path);
    let holders = holders.entity_filter(EntityType::Role).policy_usage_filter(PolicyUsageType::PermissionsPolicy);
    let pages = holders.into_paginator().send().try_collect().await?;
    let roles = pages.into_iter().flat_map(|page| page.policy_roles.unwrap_or_default());
    for role in roles.filter_map(|role| role.role_name) {
        client(cx).detach_role_policy().role_name(role).policy_arn(arn).send().await.ignore_not_found()?;
    }
    for version in other_versions(cx, arn).await? {
        delete_version(cx, arn, version).await?;
    }
    Ok(())
}

/// All versions but the one in force.
async fn other_versions(cx: &Context, arn: &str) -> Result<Vec<PolicyVersion>> {
    let request = client(cx).list_policy_versions().policy_arn(arn);
    let mut versions = request.into_paginator().items().send().try_collect().await?;
    versions.retain(|version| !version.is_default_version);
    Ok(versions)
}

async fn delete_version(cx: &Context, arn: &str, version: PolicyVersion) -> Result<()> {
    let id = present(version.version_id, "id of a policy version")?;
    client(cx).delete_policy_version().policy_arn(arn).version_id(id).send().await.ignore_not_found()
}
