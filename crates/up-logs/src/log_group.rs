//! `logs.log_group`: where a service's log lines go.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_cloudwatchlogs::{
    operation::describe_log_groups::builders::DescribeLogGroupsFluentBuilder, primitives::DateTime, types,
};
use up_core::prelude::*;

use crate::{client, tags_of};

/// Keeps the log lines of one service, in streams.
#[spec(reads = types::LogGroup)]
pub struct LogGroup {
    /// Its name, such as `/ecs/orders`. Default: derived from stack and address. A change replaces it, and loses what
    /// was logged.
    #[spec(name, member = log_group_name)]
    name: Option<String>,
    /// Days that a line is kept, one of AWS's choices: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731,
    /// 1096, 1827, 2192, 2557, 2922, 3288 or 3653. Default: 0, for ever. Groups of the class `DELIVERY` keep lines for 2
    /// days, and cannot be told otherwise.
    #[spec(default)]
    retention_in_days: i32,
    /// ARN of the KMS key that encrypts it. Default: empty, a key of AWS's own.
    #[spec(default)]
    kms_key_id: String,
    /// How lines are kept and what may be done with them. Default: `STANDARD`.
    #[spec(replace, default = LogGroupClass::Standard)]
    log_group_class: LogGroupClass,
    /// Makes AWS refuse every delete. Default: false. To guard it from this program, use
    /// `prevent_destroy`: a deletion that is planned lifts AWS's protection first.
    #[spec(default)]
    deletion_protection_enabled: bool,
}

up_core::aws_enum! {
    /// How lines are kept.
    LogGroupClass {
        /// All features.
        Standard = "STANDARD",
        /// At half the price, without metrics from logs, subscriptions and live tail.
        InfrequentAccess = "INFREQUENT_ACCESS",
        /// For logs that AWS services only pass on.
        Delivery = "DELIVERY",
        /// The least there is.
        Essentials = "ESSENTIALS",
    }
}

/// What AWS takes for a retention, beside "for ever".
const RETENTIONS: [i32; 22] =
    [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

/// The most groups AWS describes in one call.
const PAGE: usize = 50;

impl Kind for LogGroup {
    const NAME: &'static str = "logs.log_group";
    const SERVICE: &'static up_core::Service = &crate::SERVICE;

    const INFO: KindInfo = KindInfo {
        cloudformation: "AWS::Logs::LogGroup",
        actions: Actions {
            observe: actions!(logs: DescribeLogGroups ListTagsForResource),
            create: actions!(logs: CreateLogGroup TagResource ListTagsForResource),
            update: actions!(logs: PutRetentionPolicy DeleteRetentionPolicy AssociateKmsKey DisassociateKmsKey
                PutLogGroupDeletionProtection),
            tag: actions!(logs: TagResource UntagResource),
            delete: actions!(logs: PutLogGroupDeletionProtection DeleteLogGroup),
        },
        attrs: &["arn", "name"],
        longest_name: 512,
        deletes_at_once: true,
        holds_data: true,
        ..KindInfo::DEFAULT
    };

    /// Asks for the groups that the index and the last run know by their names, and for all with a name like ours: an
    /// account may have thousands of others. Names that the stack gives and nobody knows yet cost a call for all of them.
    async fn observe(cx: &Context, query: &Query) -> Result<Vec<Observed<Self>>> {
        let listed = query.listed("logs", "log-group:").filter_map(|arn| arn.split(':').nth(6));
        let names = listed.map(str::to_owned).chain(query.known.iter().chain(&*query.names).cloned());
        let names: BTreeSet<String> = names.collect();
        // Names that are derived are found by how they begin.
        let names: Vec<String> = names.into_iter().filter(|name| query.is_by_id() || !query.derives(name)).collect();
        let prefix = query.prefix().filter(|_| !query.is_by_id());
        let all = prefix.map(|prefix| client(cx).describe_log_groups().log_group_name_prefix(prefix));
        let mut requests: Vec<_> = all.into_iter().collect();
        for names in names.chunks(PAGE) {
            requests.push(client(cx).describe_log_groups().set_log_group_identifiers(Some(names.to_vec())));
        }
        let listed = concurrently(requests.into_iter().map(describe)).await?.into_iter().flatten();
        // A group may be found both ways.
        let groups: BTreeMap<_, _> = listed.map(named).collect::<Result<_>>()?;
        found(groups.into_iter().map(|(name, group)| read(cx, query, name, group))).await
    }

    /// Safe to repeat: names are unique, and one that an earlier try has made is known by its tags. Retention takes a
    /// call of its own.
    async fn create(&self, cx: &Context, new: &NewResource) -> Result<Created<Self>> {
        let name = self.name.clone().unwrap_or_else(|| new.name(Self::INFO.longest_name));
        let tags = new.tags.clone().into_iter().collect();
        let key = Some(self.kms_key_id.clone()).filter(|key| !key.is_empty());
        let request = client(cx).create_log_group().log_group_name(&name).set_tags(Some(tags)).set_kms_key_id(key);
        let request = request.set_deletion_protection_enabled(self.deletion_protection_enabled.then_some(true));
        let request = fill!(request, cx, self: log_group_class);
        match request.send().await.map_err(Error::from) {
            Err(error) if error.kind == ErrorKind::Exists => {
                let earlier = tags_of(cx, &arn(cx, &name)).await?.is_some_and(|tags| new.gave(&tags));
                if earlier { Ok(name.into()) } else { Err(error) }
            }
            Err(error) => Err(error),
            // Logs answers with nothing; what it makes of a request is fixed.
            Ok(_) => Ok(self.created(cx, name, new.tags.clone()).into()),
        }
    }

    /// Safe to repeat: everything is set.
    async fn update(&self, cx: &Context, observed: &Observed<Self>) -> Result<()> {
        let (logs, name, was) = (client(cx), &observed.id, &observed.spec);
        match self.retention_in_days {
            days if days == was.retention_in_days => {}
            0 => logs.delete_retention_policy().log_group_name(name).send().await.map(drop)?,
            days => {
                let call = logs.put_retention_policy().log_group_name(name).retention_in_days(days);
                call.send().await.map(drop)?;
            }
        }
        match self.kms_key_id.as_str() {
            key if key == was.kms_key_id => {}
            "" => logs.disassociate_kms_key().log_group_name(name).send().await.map(drop)?,
            key => logs.associate_kms_key().log_group_name(name).kms_key_id(key).send().await.map(drop)?,
        }
        if self.deletion_protection_enabled != was.deletion_protection_enabled {
            protect(cx, name, self.deletion_protection_enabled).await?;
        }
        Ok(())
    }

    /// Safe to repeat: a second delete finds nothing.
    async fn delete(cx: &Context, observed: &Observed<Self>) -> Result<()> {
        if observed.spec.deletion_protection_enabled {
            protect(cx, &observed.id, false).await.ignore_not_found()?;
        }
        client(cx).delete_log_group().log_group_name(&observed.id).send().await?;
        Ok(())
    }

    /// No call: what it says is known.
    async fn before_delete(_cx: &Context, leaving: &Leaving<'_, Self>) -> Result<Vec<DeleteRemark>> {
        let protected = leaving.resources.iter().filter(|it| it.spec.deletion_protection_enabled);
        Ok(protected.map(|it| DeleteRemark::note(&it.id, "AWS's deletion protection is lifted")).collect())
    }

    fn check(&self) -> Vec<Problem> {
        let legal = |c: char| c.is_ascii_alphanumeric() || "._-/#".contains(c);
        let is_name = |name: &str| (1..=512).contains(&name.len()) && name.chars().all(legal);
        let form = "a name is 1 to 512 letters, digits and `._-/#`";
        let name = Problem::unless_form("name", self.name.as_ref(), is_name, form);
        let (days, is_fixed) = (self.retention_in_days, self.log_group_class == LogGroupClass::Delivery);
        let nearest = RETENTIONS.into_iter().min_by_key(|choice| choice.abs_diff(days)).unwrap_or_default();
        let rules = problems! {
            !is_fixed && days != 0 && nearest != days => "retention_in_days",
                "AWS keeps lines for fixed numbers of days, not for {days}; did you mean {nearest}?";
            is_fixed && ![0, DELIVERED].contains(&days) => "retention_in_days",
                "a group of the class `DELIVERY` keeps lines for 2 days: leave the retention out";
        };
        name.into_iter().chain(rules).collect()
    }

    /// What AWS has fixed is never asked for: it refuses every change of it, to the same number too
    /// (https://github.com/hashicorp/terraform-provider-aws/issues/42657).
    fn normal(self) -> Self {
        let is_fixed = self.log_group_class == LogGroupClass::Delivery;
        Self { retention_in_days: if is_fixed { DELIVERED } else { self.retention_in_days }, ..self }
    }
}

impl LogGroup {
    /// A group as its create makes it: with all that the call can set.
    fn created(&self, cx: &Context, name: String, tags: Tags) -> Observed<Self> {
        let spec = Self { name: Some(name.clone()), retention_in_days: 0, ..self.clone() };
        spec.observed(arn(cx, &name), name, tags)
    }

    fn observed(self, arn: String, name: String, tags: Tags) -> Observed<Self> {
        Observed::new(name.clone(), tags, self.normal()).attr("arn", arn).attr("name", name)
    }
}

fn arn(cx: &Context, name: &str) -> String {
    crate::SERVICE.arn(cx, format_args!("log-group:{name}"))
}

/// Days that a group of the class `DELIVERY` keeps lines.
const DELIVERED: i32 = 2;

fn named(group: types::LogGroup) -> Result<(String, types::LogGroup)> {
    Ok((present(group.log_group_name.clone(), "name of a log group")?, group))
}

async fn describe(request: DescribeLogGroupsFluentBuilder) -> Result<Vec<types::LogGroup>> {
    Ok(request.into_paginator().items().send().try_collect().await?)
}

/// `None`: not ours, or gone meanwhile.
async fn read(cx: &Context, query: &Query, name: String, group: types::LogGroup) -> Result<Option<Observed<LogGroup>>> {
    let arn = present(group.log_group_arn.as_ref().or(group.arn.as_ref()), "ARN of a log group")?;
    let arn = arn.trim_end_matches(":*").to_owned();
    let Some(tags) = query.tags(&name, &arn, tags_of(cx, &arn)).await? else { return Ok(None) };
    let created = group.creation_time.map(DateTime::from_millis);
    Ok(Some(LogGroup::from_aws(group)?.observed(arn, name, tags).created_at(created)))
}

async fn protect(cx: &Context, name: &str, enabled: bool) -> Result<()> {
    let call = client(cx).put_log_group_deletion_protection().log_group_identifier(name);
    call.deletion_protection_enabled(enabled).send().await?;
    Ok(())
}
