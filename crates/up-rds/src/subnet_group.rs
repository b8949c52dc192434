//! `rds.subnet_group`: where in a network databases stand.

use std::collections::BTreeSet;

use aws_sdk_rds::types;
use up_core::prelude::*;

use crate::{attrs, client, ids, list, lower_case, owned};

/// Subnets of one network, in two zones at least, in which databases stand.
#[spec]
pub struct SubnetGroup {
    /// Its name, unique in account and region, of small letters. Default: derived from stack and address. A change
    /// replaces it.
    #[spec(name)]
    name: Option<String>,
    /// What it is for, as the console shows it. Default: `Managed by bullstra-up`.
    #[spec(default = "Managed by bullstra-up".into())]
    description: String,
    /// The subnets, in two zones at least.
    #[spec(confined)]
    subnets: BTreeSet<Ref<names::Subnet>>,
}

impl Kind for SubnetGroup {
    const NAME: &'static str = names::DbSubnetGroup::NAME;
    const SERVICE: &'static up_core::Service = &crate::SERVICE;

    const INFO: KindInfo = KindInfo {
        cloudformation: "AWS::RDS::DBSubnetGroup",
        actions: Actions {
            observe: &["rds:DescribeDBSubnetGroups", "rds:ListTagsForResource"],
            create: &["rds:CreateDBSubnetGroup", "rds:AddTagsToResource", "iam:CreateServiceLinkedRole"],
            update: &["rds:ModifyDBSubnetGroup"],
            tag: &["rds:AddTagsToResource", "rds:RemoveTagsFromResource"],
            delete: &["rds:DeleteDBSubnetGroup"],
        },
        attrs: &["arn", "name"],
        longest_name: 255,
        replace: Order::CreateBeforeDestroy,
        deletes_at_once: true,
        ..KindInfo::DEFAULT
    };

    async fn observe(cx: &Context, query: &Query) -> Result<Vec<Observed<Self>>> {
        let mut observed = Vec::new();
        for group in client(cx).describe_db_subnet_groups().into_paginator().items().send().try_collect().await? {
            let group = read(group)?;
            if let Some(tags) = owned(cx, query, &group.id, &group.attrs["arn"]).await? {
                observed.push(Observed { tags, ..group });
            }
        }
        Ok(observed)
    }

    /// Safe to repeat: it is unique by its name.
    async fn create(&self, cx: &Context, new: &NewResource) -> Result<Created<Self>> {
        let name = self.name.clone().unwrap_or_else(|| new.name(Self::INFO.longest_name));
        let request = client(cx).create_db_subnet_group().db_subnet_group_name(name);
        let request = request.db_subnet_group_description(&self.description);
        let request = request.set_subnet_ids(Some(ids(cx, &self.subnets)?));
        let made = request.set_tags(Some(list(&new.tags))).send().await?.db_subnet_group;
        let made = read(made.ok_or_else(|| Error::absent("subnet group that it made"))?)?;
        Ok(Observed { tags: new.tags.clone(), ..made }.into())
    }

    /// One call for both. Safe to repeat: everything is set.
    async fn update(&self, cx: &Context, observed: &Observed<Self>) -> Result<()> {
        let call = client(cx).modify_db_subnet_group().db_subnet_group_name(&observed.id);
        let call = call.db_subnet_group_description(&self.description);
        call.set_subnet_ids(Some(ids(cx, &self.subnets)?)).send().await?;
        Ok(())
    }

    /// Safe to repeat: gone is gone. Databases in it hold it.
    async fn delete(cx: &Context, observed: &Observed<Self>) -> Result<()> {
        client(cx).delete_db_subnet_group().db_subnet_group_name(&observed.id).send().await?;
        Ok(())
    }

    fn check(&self) -> Vec<Problem> {
        let message = "RDS demands subnets in two zones at least";
        let too_few = (self.subnets.len() < 2).then(|| Problem::new("subnets", message));
        [lower_case(self.name.as_ref()), too_few].into_iter().flatten().collect()
    }
}

/// A group as RDS describes it: without its tags.
fn read(group: types::DbSubnetGroup) -> Result<Observed<SubnetGroup>> {
    let (Some(id), Some(arn), Some(description)) =
        (group.db_subnet_group_name, group.db_subnet_group_arn, group.db_subnet_group_description)
    else {
        return Err(Error::absent("name, ARN and description of a subnet group"));
    };
    let subnets = group.subnets.into_iter().flatten().filter_map(|subnet| subnet.subnet_identifier);
    let spec = SubnetGroup { name: Some(id.clone()), description, subnets: subnets.map(Ref::id).collect() };
    let attrs = attrs([("arn", &arn), ("name", &id)]);
    Ok(Observed { attrs, ..Observed::new(id, Tags::new(), spec) })
}
