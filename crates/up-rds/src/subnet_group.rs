//! `rds.subnet_group`: the subnets of DB instances.

use std::collections::BTreeSet;

use aws_sdk_rds::types;
use up_core::prelude::*;

use crate::{client, list, lower_case, owned};

/// A DB subnet group: the subnets of a VPC, in at least two availability zones, in which RDS creates DB instances.
#[spec]
pub struct SubnetGroup {
    /// Its name, unique in the account and region, in lower case. Default: derived from stack and address. A change
    /// replaces the group.
    #[spec(name)]
    name: Option<String>,
    /// A description, shown in the console. Default: `Managed by bullstra-up`.
    #[spec(default = "Managed by bullstra-up".into())]
    description: String,
    /// The subnets, in at least two availability zones.
    #[spec(confined)]
    subnets: BTreeSet<Ref<names::Subnet>>,
}

impl Kind for SubnetGroup {
    const NAME: &'static str = names::DbSubnetGroup::NAME;
    const SERVICE: &'static up_core::Service = &crate::SERVICE;

    const INFO: KindInfo = KindInfo {
        cloudformation: "AWS::RDS::DBSubnetGroup",
        actions: Actions {
            observe: actions!(rds: DescribeDBSubnetGroups ListTagsForResource),
            create: actions!(rds: CreateDBSubnetGroup AddTagsToResource, iam: CreateServiceLinkedRole),
            update: actions!(rds: ModifyDBSubnetGroup),
            tag: actions!(rds: AddTagsToResource RemoveTagsFromResource),
            delete: actions!(rds: DeleteDBSubnetGroup),
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

    /// Safe to repeat: names are unique.
    async fn create(&self, cx: &Context, new: &NewResource) -> Result<Created<Self>> {
        let name = self.name.clone().unwrap_or_else(|| new.name(Self::INFO.longest_name));
        let request = client(cx).create_db_subnet_group().db_subnet_group_name(name);
        let request = fill!(request, cx, self: description as db_subnet_group_description, subnets as subnet_ids);
        let made = request.set_tags(Some(list(&new.tags))).send().await?.db_subnet_group;
        let made = read(present(made, "subnet group that it created")?)?;
        Ok(Observed { tags: new.tags.clone(), ..made }.into())
    }

    /// One call for both fields. Safe to repeat: all values are set.
    async fn update(&self, cx: &Context, observed: &Observed<Self>) -> Result<()> {
        let call = client(cx).modify_db_subnet_group().db_subnet_group_name(&observed.id);
        let call = fill!(call, cx, self: description as db_subnet_group_description, subnets as subnet_ids);
        call.send().await?;
        Ok(())
    }

    /// Safe to repeat: a second delete finds nothing. RDS refuses it while DB instances use the group.
    async fn delete(cx: &Context, observed: &Observed<Self>) -> Result<()> {
        client(cx).delete_db_subnet_group().db_subnet_group_name(&observed.id).send().await?;
        Ok(())
    }

    fn check(&self) -> Vec<Problem> {
        let rules =
            problems! { self.subnets.len() < 2 => "subnets", "RDS needs subnets in at least two availability zones"; };
        lower_case(self.name.as_ref()).into_iter().chain(rules).collect()
    }
}

/// A group as RDS describes it: without its tags.
fn read(group: types::DbSubnetGroup) -> Result<Observed<SubnetGroup>> {
    let id = present(group.db_subnet_group_name, "name of a subnet group")?;
    let arn = present(group.db_subnet_group_arn, "ARN of a subnet group")?;
    let subnets = group.subnets.into_iter().flatten().filter_map(|subnet| subnet.subnet_identifier);
    let spec = SubnetGroup {
        name: Some(id.clone()),
        description: read!(group.db_subnet_group_description)?,
        subnets: subnets.map(Ref::id).collect(),
    };
    Ok(Observed::new(id.clone(), Tags::new(), spec).attr("arn", arn).attr("name", id))
}
