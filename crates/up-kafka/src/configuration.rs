//! `kafka.configuration`: the server properties of a Kafka cluster.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

use aws_sdk_kafka::{primitives::Blob, types::ConfigurationState};
use up_core::prelude::*;

use crate::client;

/// The server properties of a Kafka cluster. A change makes a new configuration, the cluster moves there (its brokers
/// restart one by one), and the old one goes. MSK's own way, a new revision of the same configuration, would change
/// nothing until somebody moved the cluster too.
///
/// MSK takes no tags here: all tags, those that say who owns it first, are kept in the description.
#[spec]
pub struct Configuration {
    /// Properties of the brokers and their values, as text: `{ "auto.create.topics.enable" = "false" }`. Those left
    /// out are MSK's defaults.
    #[spec(replace)]
    server_properties: Properties,
    /// Kafka versions it is for. Default: any.
    #[spec(replace, default)]
    kafka_versions: BTreeSet<String>,
}

type Properties = BTreeMap<String, String>;

impl Kind for Configuration {
    const NAME: &'static str = names::KafkaConfiguration::NAME;
    const SERVICE: &'static up_core::Service = &crate::SERVICE;

    const INFO: KindInfo = KindInfo {
        cloudformation: "AWS::MSK::Configuration",
        actions: Actions {
            observe: actions!(kafka: ListConfigurations DescribeConfigurationRevision),
            create: actions!(kafka: CreateConfiguration),
            update: &[],
            tag: actions!(kafka: UpdateConfiguration),
            delete: actions!(kafka: DeleteConfiguration),
        },
        attrs: &["arn", "name", "revision"],
        longest_name: 64,
        // They stand in its description.
        tags: TagRules::FREE,
        indexed: false,
        replace: Order::CreateBeforeDestroy,
        ..KindInfo::DEFAULT
    };

    async fn observe(cx: &Context, query: &Query) -> Result<Vec<Observed<Self>>> {
        let mut observed = Vec::new();
        for configuration in client(cx).list_configurations().into_paginator().items().send().try_collect().await? {
            let latest = configuration.latest_revision;
            let (revision, text) = latest.map(|it| (it.revision, it.description)).unwrap_or_default();
            // A retag writes a new revision, so that its description is the newer one.
            let text = text.or(configuration.description);
            let Some(tags) = text.as_deref().and_then(tags_of) else { continue };
            let id = present(configuration.arn, "ARN of a configuration")?;
            let name = present(configuration.name, "name of a configuration")?;
            let revision = present(revision, "revision of a configuration")?;
            if !query.wants(&id) || !query.accepts(&name, &tags) {
                continue;
            }
            let status = status(configuration.state);
            let spec = Self {
                server_properties: properties(cx, &id, revision).await?,
                kafka_versions: read!(configuration.kafka_versions)?,
            };
            let made = made(id, name, revision, tags, spec).created_at(configuration.creation_time);
            observed.push(Observed { status, ..made });
        }
        Ok(observed)
    }

    /// Safe to repeat: it is unique by its name.
    async fn create(&self, cx: &Context, new: &NewResource) -> Result<Created<Self>> {
        let request = client(cx).create_configuration().name(new.name(Self::INFO.longest_name));
        let request = request.description(description_of(&new.tags)).server_properties(self.text());
        let answer = fill!(request, cx, self: kafka_versions).send().await?;
        let id = present(answer.arn, "ARN of the configuration it made")?;
        let name = present(answer.name, "name of the configuration it made")?;
        let revision = answer.latest_revision.and_then(|it| it.revision);
        let revision = present(revision, "revision of the configuration it made")?;
        let status = status(answer.state);
        Ok(Observed { status, ..made(id, name, revision, new.tags.clone(), self.clone()) }.into())
    }

    /// Never called: every field replaces.
    async fn update(&self, _: &Context, observed: &Observed<Self>) -> Result<()> {
        Err(Error::ours(format!("{} cannot be updated: a configuration never changes", observed.id)))
    }

    /// Writes a revision with another description and the same properties, so that clusters need not follow. Safe to
    /// repeat: it would be one more revision.
    async fn tag(cx: &Context, observed: &Observed<Self>, change: &TagChange) -> Result<()> {
        let kept = observed.tags.iter().filter(|(key, _)| !change.remove.contains(*key));
        let tags = kept.chain(&change.set).map(|(key, value)| (key.clone(), value.clone())).collect();
        let call = client(cx).update_configuration().arn(&observed.id).description(description_of(&tags));
        call.server_properties(observed.spec.text()).send().await?;
        Ok(())
    }

    /// Takes all its revisions. Safe to repeat: a second delete finds nothing. Clusters that use it hold it.
    async fn delete(cx: &Context, observed: &Observed<Self>) -> Result<()> {
        client(cx).delete_configuration().arn(&observed.id).send().await?;
        Ok(())
    }

    fn check(&self) -> Vec<Problem> {
        let broken = |text: &str| text.contains('\n') || text.trim() != text;
        let wrong = self.server_properties.iter().filter(|(name, value)| broken(name) || broken(value));
        let message = "a property is one line, without space around name and value";
        wrong.map(|(name, _)| Problem::new(format!("server_properties.{name}"), message)).collect()
    }
}

fn made(id: String, name: String, revision: i64, tags: Tags, spec: Configuration) -> Observed<Configuration> {
    let made = Observed::new(id.clone(), tags, spec);
    made.attr("arn", id).attr("name", name).attr("revision", revision.to_string())
}

fn status(state: Option<ConfigurationState>) -> Status {
    match state {
        Some(ConfigurationState::Active) => Status::Ready,
        Some(ConfigurationState::Deleting) => Status::Deleting("DELETING".into()),
        Some(ConfigurationState::DeleteFailed) => {
            Impairment::explained("DELETE_FAILED", "see which cluster uses it, and delete it again")
        }
        state => Status::Pending(state.map_or("MSK gives no state".into(), |state| state.to_string())),
    }
}

async fn properties(cx: &Context, arn: &str, revision: i64) -> Result<Properties> {
    let answer = client(cx).describe_configuration_revision().arn(arn).revision(revision).send().await?;
    let text = present(answer.server_properties, "server properties of a configuration")?;
    let text = String::from_utf8(text.into_inner()).map_err(|_| Error::absent("server properties that are text"))?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with(['#', '!']));
    let pairs = lines.filter_map(|line| line.split_once('='));
    Ok(pairs.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())).collect())
}

impl Configuration {
    fn text(&self) -> Blob {
        let lines = self.server_properties.iter().map(|(name, value)| format!("{name}={value}\n"));
        Blob::new(lines.collect::<String>())
    }
}

/// What a description of ours begins with.
const OURS: &str = "bullstra-up";

/// `bullstra-up bullstra:address=kafka.configuration.main bullstra:stack=prod team=a%20b`.
fn description_of(tags: &Tags) -> String {
    let escaped = |text: &str| text.replace('%', "%25").replace(' ', "%20").replace('=', "%3D");
    let mut text = OURS.to_owned();
    for (key, value) in tags {
        write!(text, " {}={}", escaped(key), escaped(value)).expect("text takes all that is written");
    }
    text
}

fn tags_of(description: &str) -> Option<Tags> {
    let plain = |text: &str| text.replace("%3D", "=").replace("%20", " ").replace("%25", "%");
    let mut words = description.split(' ');
    if words.next() != Some(OURS) {
        return None;
    }
    let pairs = words.filter_map(|word| word.split_once('='));
    Some(pairs.map(|(key, value)| (plain(key), plain(value))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_survive_in_a_description() {
        let tags: Tags = [("bullstra:stack", "prod"), ("a b", "x = 100 %20 y"), ("empty", "")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into();
        assert_eq!(tags_of(&description_of(&tags)), Some(tags));
        assert_eq!(tags_of("somebody else's"), None);
    }
}
