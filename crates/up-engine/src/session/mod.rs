//! A session: AWS, reached and checked, and the stack's history.

mod access;
mod account;
mod aws;
mod costly;
mod history;
mod mfa;
mod observe;
mod profile;
mod settle;
mod signer;
mod target;

use std::{sync::Arc, time::Duration};

use aws_config::SdkConfig;
use jiff::Timestamp;
use up_core::{Clock, Context};
use up_kinds::Identity;
use up_state::{State, StateLocation};

use self::signer::Signer;
pub(crate) use self::{
    access::refused, account::AccountSession, history::unusable, observe::Sight, settle::since_last_run,
};
pub use self::{
    history::{DEFAULT_STATE, History},
    observe::Observation,
    signer::CredentialLifetime,
    target::{SANDBOX_ACCOUNT, StackTarget},
};
use crate::{Engine, Failure, SessionOptions};

/// AWS, reached as an account that the stack may touch, and the stack's history.
#[derive(Debug)]
pub struct Session {
    /// Clients, the account and the region.
    pub cx: Arc<Context>,
    pub(crate) engine: Engine,
    pub(crate) state: State,
    /// Where the history is kept.
    pub(crate) location: StateLocation,
    pub(crate) settle: Duration,
    /// AWS's time, whatever the clock of this machine shows.
    pub(crate) clock: Clock,
    /// False if the tagging index only helps to find resources, because it may be late: every kind is read, and tags are asked of
    /// their services.
    pub(crate) trusts_index: bool,
    signer: Signer,
    pub(crate) stack: String,
}

/// AWS, reached.
struct Reached {
    cx: Arc<Context>,
    config: SdkConfig,
    clock: Clock,
    signer: Signer,
}

impl Engine {
    /// Connects to AWS, and makes sure that it is an account which the stack may touch.
    ///
    /// # Errors
    /// When there are no credentials, AWS refuses them or cannot be reached, the account is another's, or the engine is
    /// interrupted.
    pub async fn open(&self, target: &StackTarget<'_>, options: &SessionOptions) -> Result<Session, Failure> {
        self.guarded(self.connect(target, options)).await
    }

    /// The stack's history, without a check of the account.
    ///
    /// # Errors
    /// When it cannot be reached, or the engine is interrupted.
    pub async fn history(&self, target: &StackTarget<'_>, options: &SessionOptions) -> Result<History, Failure> {
        self.guarded(self.find_history(target, options)).await
    }

    async fn connect(&self, target: &StackTarget<'_>, options: &SessionOptions) -> Result<Session, Failure> {
        history::check(target.stack)?;
        let Reached { cx, config, clock, signer } = self.reach(target, options).await?;
        let location = history::location(target, options.state.as_ref());
        let state = history::open(&location, target.stack, &config, &self.meter)?;
        let (engine, stack, settle) = (self.clone(), target.stack.to_owned(), options.settle);
        Ok(Session { cx, engine, state, location, settle, clock, trusts_index: true, signer, stack })
    }

    /// Signs in, and makes sure that it is an account which the target allows.
    async fn reach(&self, target: &StackTarget<'_>, options: &SessionOptions) -> Result<Reached, Failure> {
        let connection = target::connection(target, options);
        let signer = Signer::new(self, &connection).await?;
        let (config, limiter) = aws::rate_limited(&signer.config, &self.meter, &options.limits);
        let identity = up_kinds::identity(&config, &self.meter).await;
        let identity = identity.map_err(|error| {
            access::unknown_caller(&error, &connection, config.endpoint_url(), signer.sso.as_deref())
        })?;
        let Identity { account, arn, .. } = &identity;
        tracing::info!(account, arn, region = connection.region, lifetime = ?signer.lifetime(), "signed in");
        target::guard(self, target, &connection, &identity)?;
        // Other endpoints have other limits, or none.
        let is_aws = config.endpoint_url().is_none();
        if options.limits.keep.unwrap_or(is_aws) {
            limiter.start(account, &connection.region);
        }
        let aws_time = || Clock::from(identity.at.unwrap_or_else(Timestamp::now));
        let clock = self.clock.clone().unwrap_or_else(aws_time);
        let cx = Context::new(config.clone(), identity.account, self.meter.clone()).around_calls(limiter);
        Ok(Reached { cx: Arc::new(cx), config, clock, signer })
    }

    async fn find_history(&self, target: &StackTarget<'_>, options: &SessionOptions) -> Result<History, Failure> {
        history::check(target.stack)?;
        let location = history::location(target, options.state.as_ref());
        if let StateLocation::Folder(folder) = &location {
            let state = State::in_folder(folder, target.stack).map_err(unusable)?;
            return Ok(History { location, state });
        }
        let signer = Signer::new(self, &target::connection(target, options)).await?;
        let state = history::open(&location, target.stack, &signer.config, &self.meter)?;
        Ok(History { location, state })
    }
}

impl Session {
    /// The same, for work that must not miss or mistake a resource because the tagging index is late.
    pub(crate) fn without_index(self) -> Self {
        Self { trusts_index: false, ..self }
    }

    /// How long the credentials last.
    pub fn lifetime(&self) -> CredentialLifetime {
        self.signer.lifetime()
    }
}
