//! The account's tagging index: one paged call that lists almost everything a stack owns.

use aws_sdk_resourcegroupstagging::types::TagFilter;
use up_core::{Address, Context, Error, Index, Limit, Result, Service, Tags};

up_core::client!(aws_sdk_resourcegroupstagging, SERVICE);

/// The tagging index. It has no kinds.
pub(crate) static SERVICE: Service = Service {
    iam_prefix: "tag",
    // From the quotas of the Resource Groups Tagging API.
    limits: &[Limit::new("Get*", 15.0, 15.0), Limit::new("*", 5.0, 5.0).guess()],
    ..Service::new("resourcegroupstaggingapi")
};

/// Most that AWS gives in one answer.
const PAGE: i32 = 100;

/// Lists everything in the region that carries the tag of `stack`, or of any stack. Needs the permission `tag:GetResources`.
///
/// # Errors
/// When AWS does not answer, or answers with a resource that has no ARN.
pub async fn index(cx: &Context, stack: Option<&str>) -> Result<Index> {
    let owned =
        TagFilter::builder().key(Address::STACK_TAG).set_values(stack.map(|stack| vec![stack.to_owned()])).build();
    let request = client(cx).get_resources().tag_filters(owned).resources_per_page(PAGE);
    let mut pages = request.into_paginator().send();
    let mut entries = vec![];
    while let Some(page) = pages.next().await {
        let listed = page?.resource_tag_mapping_list.ok_or_else(|| Error::absent("list of tagged resources"))?;
        for resource in listed {
            let arn = resource.resource_arn.ok_or_else(|| Error::absent("ARN of a tagged resource"))?;
            let tags: Tags = resource.tags.into_iter().flatten().map(|tag| (tag.key, tag.value)).collect();
            entries.push((arn, tags));
        }
    }
    Ok(entries.into_iter().collect())
}
