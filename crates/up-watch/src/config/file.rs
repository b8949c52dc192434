//! The tables of the file, as they are written.

use std::{collections::BTreeMap, path::PathBuf};

use serde::Deserialize;

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WatchFile {
    #[serde(default)]
    pub(super) watch: WatchTable,
    #[serde(default)]
    pub(super) stack: Vec<StackTable>,
    #[serde(default)]
    pub(super) notify: Vec<NotifyTable>,
}

/// `[watch]`: what holds for all stacks.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WatchTable {
    pub(super) interval: Option<String>,
    pub(super) cron: Option<String>,
    pub(super) timezone: Option<String>,
    pub(super) jitter: Option<String>,
    pub(super) timeout: Option<String>,
    pub(super) undeclared: Option<bool>,
    pub(super) poll: Option<String>,
    pub(super) listen: Option<String>,
    pub(super) memory: Option<PathBuf>,
    pub(super) page_url: Option<String>,
    pub(super) seed: Option<u64>,
}

/// `[[stack]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StackTable {
    pub(super) file: PathBuf,
    pub(super) name: Option<String>,
    pub(super) interval: Option<String>,
    pub(super) cron: Option<String>,
    pub(super) timezone: Option<String>,
    pub(super) jitter: Option<String>,
    pub(super) timeout: Option<String>,
    pub(super) undeclared: Option<bool>,
    #[serde(default)]
    pub(super) set: BTreeMap<String, toml::Value>,
    #[serde(default)]
    pub(super) allow_paths: Vec<PathBuf>,
    pub(super) region: Option<String>,
    pub(super) profile: Option<String>,
    pub(super) role_arn: Option<String>,
    pub(super) state: Option<String>,
}

/// `[[notify]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NotifyTable {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) url: Option<String>,
    pub(super) url_env: Option<String>,
    pub(super) secret: Option<String>,
    pub(super) secret_env: Option<String>,
    #[serde(default)]
    pub(super) stacks: Vec<String>,
}
