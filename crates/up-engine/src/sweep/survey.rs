//! All stacks of an account.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use up_apply::{StackResources, observe_stacks};
use up_core::Tags;

use super::{Decision, decide::decide, swept};
use crate::{
    Engine, Failure, SessionOptions,
    disposal::expiry,
    run::holder,
    session::{AccountSession, call_refused},
};

/// All stacks of an account in one region.
#[derive(Debug, Clone, Serialize)]
pub struct Survey {
    /// The account.
    pub account: String,
    /// The region.
    pub region: String,
    /// AWS's time, when it was asked.
    pub at: Timestamp,
    /// The stacks, by name.
    pub stacks: Vec<StackSummary>,
    /// Kinds that could not be read, and why.
    pub unread: BTreeMap<&'static str, String>,
}

/// A stack, as the tags of its resources tell of it.
#[derive(Debug, Clone, Serialize)]
pub struct StackSummary {
    /// Its name.
    pub name: String,
    /// The value of the tag `Owner`, if all of its resources that have one agree.
    pub owner: Option<String>,
    /// When its oldest resource was created, as far as that is known.
    pub created: Option<Timestamp>,
    /// The latest expiry among its resources.
    pub expires: Option<Timestamp>,
    /// The number of its resources that have tags.
    pub resources: usize,
    /// The run that is at work on it, if its state is at hand.
    pub locked: Option<String>,
    /// What a sweep would do with it, rules aside.
    #[serde(flatten)]
    pub decision: Decision,
}

impl StackSummary {
    /// True if the stack has expired, whether a sweep would destroy it or not.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }
}

impl Engine {
    /// Finds all stacks of an account in one region, by the tagging index and the kinds' own lists.
    ///
    /// # Errors
    /// When AWS cannot be reached, the credentials are for another account, or the engine is interrupted. Kinds that cannot be
    /// read are in [`Survey::unread`].
    pub async fn survey(&self, account: &str, region: &str, options: &SessionOptions) -> Result<Survey, Failure> {
        self.guarded(async {
            let session = self.open_account(account, region, options).await?;
            session.survey(self).await
        })
        .await
    }
}

impl Engine {
    /// The alias of an account, if it has one. Needs the permission `iam:ListAccountAliases`.
    ///
    /// # Errors
    /// When AWS cannot be reached or refuses, the credentials are for another account, or the engine is interrupted.
    pub async fn account_alias(
        &self,
        account: &str,
        region: &str,
        options: &SessionOptions,
    ) -> Result<Option<String>, Failure> {
        self.guarded(async {
            let session = self.open_account(account, region, options).await?;
            let alias = up_kinds::account_alias(&session.cx).await;
            alias.map_err(|error| call_refused("to read the alias of the account", &error, &["iam:ListAccountAliases"]))
        })
        .await
    }
}

impl AccountSession {
    async fn survey(&self, engine: &Engine) -> Result<Survey, Failure> {
        let index = up_kinds::index(&self.cx, None).await;
        let index =
            index.map_err(|error| call_refused("to list the account's stacks", &error, &["tag:GetResources"]))?;
        let (stacks, failed) = observe_stacks(&self.cx, index, &up_kinds::all()).await;
        let now = self.clock.now();
        let mut unread: BTreeMap<_, _> =
            failed.into_iter().map(|failure| (failure.kind, failure.error.to_string())).collect();
        unread.values_mut().for_each(|error| *error = engine.secrets.masked(error).into_owned());
        let mut summaries = vec![];
        for (name, resources) in stacks {
            let running = self.running(engine, &name)?;
            let locked = running.as_ref().map(holder);
            summaries.push(StackSummary { locked, ..summary(name, &resources, now) });
        }
        let (account, region) = (self.cx.account().to_owned(), self.cx.region().to_owned());
        Ok(Survey { account, region, at: now, stacks: summaries, unread })
    }
}

fn summary(name: String, resources: &StackResources, now: Timestamp) -> StackSummary {
    let all: Vec<_> = resources.values().flatten().collect();
    let swept: Vec<_> = all.iter().map(|observed| swept(observed)).collect();
    let born = swept.iter().filter_map(|resource| resource.stamps.created.or(resource.created));
    StackSummary {
        owner: owner(all.iter().map(|observed| &observed.tags)),
        created: born.min(),
        expires: expiry(swept.iter().map(|resource| &resource.stamps)),
        resources: all.len(),
        locked: None,
        decision: decide(now, &swept),
        name,
    }
}

fn owner<'a>(tags: impl Iterator<Item = &'a Tags>) -> Option<String> {
    let mut owners = tags.filter_map(|tags| tags.iter().find(|(key, _)| key.eq_ignore_ascii_case("owner")));
    let (_, first) = owners.next()?;
    owners.all(|(_, other)| other == first).then(|| first.clone())
}
