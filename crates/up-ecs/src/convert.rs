//! Conversions between a stack's values and ECS's: each module is the `with` of a field.

/// Environment variables: names and values, sorted.
pub(crate) mod pairs {
    use aws_sdk_ecs::types::KeyValuePair;
    use up_core::{Context, Result};

    use crate::Map;

    pub(crate) fn to_aws(map: &Map, _: &Context) -> Result<Option<Vec<KeyValuePair>>> {
        let pairs = map.iter().map(|(name, value)| KeyValuePair::builder().name(name).value(value).build());
        Ok((!map.is_empty()).then(|| pairs.collect()))
    }

    pub(crate) fn from_aws(pairs: Option<Vec<KeyValuePair>>) -> Result<Map> {
        Ok(pairs.into_iter().flatten().filter_map(|pair| Some((pair.name?, pair.value?))).collect())
    }
}

/// Names, and the ARNs of secrets.
pub(crate) mod secrets {
    use aws_sdk_ecs::types::Secret;
    use up_core::{Context, Result};

    use crate::Map;

    pub(crate) fn to_aws(map: &Map, _: &Context) -> Result<Option<Vec<Secret>>> {
        let secrets = map.iter().map(|(name, from)| Ok(Secret::builder().name(name).value_from(from).build()?));
        (!map.is_empty()).then(|| secrets.collect()).transpose()
    }

    pub(crate) fn from_aws(secrets: Option<Vec<Secret>>) -> Result<Map> {
        Ok(secrets.into_iter().flatten().map(|secret| (secret.name, secret.value_from)).collect())
    }
}

/// Kernel parameters and their values.
pub(crate) mod system_controls {
    use aws_sdk_ecs::types::SystemControl;
    use up_core::{Context, Result};

    use crate::Map;

    pub(crate) fn to_aws(map: &Map, _: &Context) -> Result<Option<Vec<SystemControl>>> {
        let controls = map.iter().map(|(name, value)| SystemControl::builder().namespace(name).value(value).build());
        Ok((!map.is_empty()).then(|| controls.collect()))
    }

    pub(crate) fn from_aws(controls: Option<Vec<SystemControl>>) -> Result<Map> {
        Ok(controls.into_iter().flatten().filter_map(|control| Some((control.namespace?, control.value?))).collect())
    }
}

/// ARNs of S3 objects.
pub(crate) mod environment_files {
    use std::collections::BTreeSet;

    use aws_sdk_ecs::types::{EnvironmentFile, EnvironmentFileType::S3};
    use up_core::{Context, Result};

    pub(crate) fn to_aws(files: &BTreeSet<String>, _: &Context) -> Result<Option<Vec<EnvironmentFile>>> {
        let all = files.iter().map(|file| Ok(EnvironmentFile::builder().r#type(S3).value(file).build()?));
        (!files.is_empty()).then(|| all.collect()).transpose()
    }

    pub(crate) fn from_aws(files: Option<Vec<EnvironmentFile>>) -> Result<BTreeSet<String>> {
        Ok(files.into_iter().flatten().map(|file| file.value).collect())
    }
}

/// A policy that is not enabled counts as none.
pub(crate) mod restart_policy {
    use aws_sdk_ecs::types::ContainerRestartPolicy;
    use up_core::{Context, Result, ToAws, mirror, read};

    use crate::container::RestartPolicy;

    pub(crate) fn to_aws(policy: &Option<RestartPolicy>, cx: &Context) -> Result<Option<ContainerRestartPolicy>> {
        let Some(policy) = policy else { return Ok(None) };
        let wire = ContainerRestartPolicy::builder().enabled(true);
        let wire = wire.set_ignored_exit_codes(mirror::sent(&policy.ignored_exit_codes, cx)?);
        let wire = wire.set_restart_attempt_period(policy.restart_attempt_period.to_aws(cx)?);
        Ok(Some(wire.build()?))
    }

    pub(crate) fn from_aws(policy: Option<ContainerRestartPolicy>) -> Result<Option<RestartPolicy>> {
        let Some(policy) = policy.filter(|policy| policy.enabled) else { return Ok(None) };
        let restart_attempt_period =
            read!(policy.restart_attempt_period or RestartPolicy::default_restart_attempt_period())?;
        Ok(Some(RestartPolicy { ignored_exit_codes: read!(policy.ignored_exit_codes)?, restart_attempt_period }))
    }
}

/// The ARN of a secret.
pub(crate) mod credentials {
    use aws_sdk_ecs::types::RepositoryCredentials;
    use up_core::{Context, Result};

    pub(crate) fn to_aws(secret: &Option<String>, _: &Context) -> Result<Option<RepositoryCredentials>> {
        let credentials =
            secret.as_ref().map(|arn| RepositoryCredentials::builder().credentials_parameter(arn).build());
        Ok(credentials.transpose()?)
    }

    pub(crate) fn from_aws(credentials: Option<RepositoryCredentials>) -> Result<Option<String>> {
        Ok(credentials.map(|credentials| credentials.credentials_parameter))
    }
}

/// The number of GPUs.
pub(crate) mod gpus {
    use aws_sdk_ecs::types::{ResourceRequirement, ResourceType::Gpu};
    use up_core::{Context, Error, Result};

    pub(crate) fn to_aws(gpus: &Option<u32>, _: &Context) -> Result<Option<Vec<ResourceRequirement>>> {
        let requirement = |gpus: u32| ResourceRequirement::builder().r#type(Gpu).value(gpus.to_string()).build();
        Ok(gpus.map(requirement).transpose()?.map(|gpus| vec![gpus]))
    }

    pub(crate) fn from_aws(requirements: Option<Vec<ResourceRequirement>>) -> Result<Option<u32>> {
        let gpus = requirements.into_iter().flatten().find(|it| it.r#type == Gpu);
        gpus.map(|it| it.value.parse().map_err(|_| Error::invalid("number of GPUs", it.value))).transpose()
    }
}

/// ECS sends 0 for a port that is chosen at run time.
pub(crate) mod host_port {
    use up_core::{Context, Result, ToAws, mirror};

    pub(crate) fn to_aws(port: &Option<u16>, cx: &Context) -> Result<Option<i32>> {
        port.to_aws(cx)
    }

    pub(crate) fn from_aws(port: Option<i32>) -> Result<Option<u16>> {
        mirror::read(port.filter(|port| *port != 0), "port")
    }
}

/// `ENABLED` and `DISABLED`, for any enumeration.
pub(crate) mod enabled {
    use up_core::{Context, Result};

    const WORDS: (&str, &str) = ("ENABLED", "DISABLED");

    pub(crate) fn to_aws<A: for<'a> From<&'a str>>(enabled: &bool, _: &Context) -> Result<Option<A>> {
        Ok(Some(if *enabled { WORDS.0.into() } else { WORDS.1.into() }))
    }

    pub(crate) fn from_aws<A: AsRef<str>>(enabled: Option<A>) -> Result<bool> {
        Ok(enabled.is_some_and(|word| word.as_ref() == WORDS.0))
    }
}

/// Alarms without a name count as none.
pub(crate) mod alarms {
    use aws_sdk_ecs::types::DeploymentAlarms;
    use up_core::{Context, Result, ToAws, mirror};

    use crate::service_parts::Alarms;

    pub(crate) fn to_aws(alarms: &Option<Alarms>, cx: &Context) -> Result<Option<DeploymentAlarms>> {
        alarms.to_aws(cx)
    }

    pub(crate) fn from_aws(alarms: Option<DeploymentAlarms>) -> Result<Option<Alarms>> {
        mirror::read(alarms.filter(|alarms| !alarms.alarm_names.is_empty()), "alarms")
    }
}
