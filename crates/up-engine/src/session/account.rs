//! A session with an account and a region, and no stack in particular.

use std::sync::Arc;

use aws_config::SdkConfig;
use up_core::{Clock, Context};
use up_state::{LockHolder, StateLocation};

use super::{Reached, history, unusable};
use crate::{Engine, Failure, SessionOptions, StackTarget, by_name::in_account};

/// AWS, reached as one account in one region.
#[derive(Debug)]
pub(crate) struct AccountSession {
    pub(crate) cx: Arc<Context>,
    pub(crate) clock: Clock,
    config: SdkConfig,
    location: StateLocation,
}

impl Engine {
    /// Connects to AWS. Refuses credentials of another account, before any call but for the identity.
    pub(crate) async fn open_account(
        &self,
        account: &str,
        region: &str,
        options: &SessionOptions,
    ) -> Result<AccountSession, Failure> {
        let target = StackTarget { stack: "", region, accounts: &[], role: None, backend: None };
        let Reached { cx, config, clock, .. } = self.reach(&target, options).await?;
        in_account(&cx, account, region)?;
        Ok(AccountSession { cx, clock, config, location: history::location(&target, options.state.as_ref()) })
    }
}

impl AccountSession {
    /// The run that is at work on a stack, if the state tells of one.
    pub(crate) fn running(&self, engine: &Engine, stack: &str) -> Result<Option<LockHolder>, Failure> {
        history::open(&self.location, stack, &self.config, &engine.meter)?.running().map_err(unusable)
    }
}
