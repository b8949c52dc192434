//! Who signs: the caller's own credentials, or those of roles that are taken on with them, and how long they last.

use std::{
    sync::{Arc, Mutex},
    time::SystemTime,
};

use aws_config::SdkConfig;
use aws_credential_types::{
    Credentials,
    provider::{self, ProvideCredentials, SharedCredentialsProvider, error::CredentialsError, future},
};
use jiff::Timestamp;
use up_core::Meter;
use up_kinds::Role;

use super::{
    access,
    aws::{self, Target},
    mfa,
    profile::{Base, Profile},
};
use crate::{exit::Failure, secrets};

/// How long the credentials last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Life {
    /// As long as is needed: they never end, or are renewed without anybody's doing.
    Renewed,
    /// Nobody renews them, and nothing says when they end.
    Unknown,
    /// Nobody renews them, and they end then.
    Until(Timestamp),
}

/// A configuration with all that signing takes.
#[derive(Debug)]
pub(super) struct Signer {
    /// What all clients are made from.
    pub(super) config: SdkConfig,
    /// The profile to sign in with, where SSO gives the first credentials.
    pub(super) sso: Option<String>,
    links: Vec<Link>,
}

/// Credentials on the way to those that sign: each is asked for with the one before.
#[derive(Debug)]
struct Link {
    keeper: Keeper,
    is_renewed: bool,
    /// When they end by the environment, which the SDK does not read.
    told: Option<Timestamp>,
}

impl Signer {
    /// Finds the first credentials, and takes on the roles that the profile and the stack ask for.
    pub(super) async fn new(target: &Target, meter: &Meter) -> Result<Self, Failure> {
        let session_name = session_name(&up_state::owner());
        // As in AWS's own tools, keys in the environment go before a profile, unless that is named on the command line.
        let by_environment = target.profile.is_none() && has_keys();
        let is_profile = !target.is_sandbox && !by_environment;
        let profile = match is_profile {
            true => Profile::load(target.profile.as_deref(), &session_name).await,
            false => None,
        };
        let (mut config, profiles) = aws::config(target).await;
        super::usable(config.endpoint_url())?;
        let (mut roles, mut device, mut sso) = (vec![], None, None);
        if let Some(Profile { base, roles: its, mfa_serial, sso: signs_in }) = profile {
            let first = match base {
                Base::Selected => None,
                Base::Profile(name) => Some(SharedCredentialsProvider::new(profiles.profile(&name))),
                Base::Keys(keys) => Some(SharedCredentialsProvider::new(keys)),
            };
            config = first.map_or(config.clone(), |first| signed_by(&config, first));
            (roles, device, sso) = (its, mfa_serial, signs_in);
        }
        roles.extend(target.role.as_ref().map(|role| Role {
            arn: role.arn.to_string(),
            session_name,
            external_id: role.external_id.clone(),
            seconds: None,
            mfa_serial: device,
        }));
        let mut signer = Self { config, sso, links: vec![] };
        let told = if by_environment { told() } else { None };
        if let Some(first) = signer.config.credentials_provider() {
            signer.link(first, true, told);
        }
        for role in roles {
            signer.assume(role, target, meter).await?;
        }
        Ok(signer)
    }

    /// How long the credentials last that were used last.
    pub(super) fn life(&self) -> Life {
        self.links.iter().fold(Life::Renewed, |before, link| link.life(before))
    }

    async fn assume(&mut self, role: Role, target: &Target, meter: &Meter) -> Result<(), Failure> {
        let code = match &role.mfa_serial {
            Some(serial) => Some(mfa::code(&role.arn, serial, target.mfa_token.as_ref()).await?),
            None => None,
        };
        let assumed = up_kinds::assume(&self.config, &role, code.as_deref(), meter).await;
        let first = assumed.map_err(|error| {
            access::not_assumed(&error, &role, target, self.config.endpoint_url(), self.sso.as_deref())
        })?;
        // A code is good for once: nobody can renew what was had with it.
        if code.is_some() {
            self.link(SharedCredentialsProvider::new(first), false, None);
        } else {
            let (config, meter, first) = (self.config.clone(), meter.clone(), Mutex::new(Some(first)));
            self.link(SharedCredentialsProvider::new(Assumed { config, role, meter, first }), true, None);
        }
        Ok(())
    }

    /// From now on these sign.
    fn link(&mut self, source: SharedCredentialsProvider, is_renewed: bool, told: Option<Timestamp>) {
        let keeper = Keeper { source, last: Arc::default() };
        self.config = signed_by(&self.config, SharedCredentialsProvider::new(keeper.clone()));
        self.links.push(Link { keeper, is_renewed, told });
    }
}

impl Link {
    /// How long these last, where those they are had with last for `before`.
    fn life(&self, before: Life) -> Life {
        let Some(Given { end, is_session }) = *self.keeper.last.lock().expect("no panic while held") else {
            return before;
        };
        match (end, self.is_renewed) {
            (Some(end), false) => Life::Until(end),
            // What is had shortly before the others end lasts longer than they.
            (Some(end), true) => match before {
                Life::Until(other) => Life::Until(other.max(end)),
                before => before,
            },
            (None, _) if is_session => self.told.map_or(Life::Unknown, Life::Until),
            (None, _) => before,
        }
    }
}

/// Hands credentials on, remembers how long they last, and that they must be shown nowhere.
#[derive(Debug, Clone)]
struct Keeper {
    source: SharedCredentialsProvider,
    last: Arc<Mutex<Option<Given>>>,
}

#[derive(Debug, Clone, Copy)]
struct Given {
    end: Option<Timestamp>,
    is_session: bool,
}

impl Keeper {
    async fn give(&self) -> provider::Result {
        let given = self.source.provide_credentials().await?;
        let (id, secret, token) = (given.access_key_id(), given.secret_access_key(), given.session_token());
        secrets::keep_keys([id, secret].into_iter().chain(token));
        let end = given.expiry().and_then(|end: SystemTime| Timestamp::try_from(end).ok());
        *self.last.lock().expect("no panic while held") = Some(Given { end, is_session: token.is_some() });
        Ok(given)
    }
}

impl ProvideCredentials for Keeper {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.give())
    }

    fn fallback_on_interrupt(&self) -> Option<Credentials> {
        self.source.fallback_on_interrupt()
    }
}

/// Takes on a role again whenever its session is over.
#[derive(Debug)]
struct Assumed {
    config: SdkConfig,
    role: Role,
    meter: Meter,
    first: Mutex<Option<Credentials>>,
}

impl Assumed {
    async fn give(&self) -> provider::Result {
        let first = self.first.lock().expect("no panic while held").take();
        match first {
            Some(first) => Ok(first),
            None => up_kinds::assume(&self.config, &self.role, None, &self.meter)
                .await
                .map_err(CredentialsError::provider_error),
        }
    }
}

impl ProvideCredentials for Assumed {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.give())
    }
}

fn signed_by(config: &SdkConfig, provider: SharedCredentialsProvider) -> SdkConfig {
    config.clone().into_builder().credentials_provider(provider).build()
}

fn has_keys() -> bool {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    is_set("AWS_ACCESS_KEY_ID") && is_set("AWS_SECRET_ACCESS_KEY")
}

/// When the keys in the environment end, as `aws configure export-credentials --format env` writes it.
fn told() -> Option<Timestamp> {
    std::env::var("AWS_CREDENTIAL_EXPIRATION").ok()?.parse().ok()
}

/// `bullstra-up-me`, of what STS takes: up to 64 letters, digits and `_+=,.@-`.
fn session_name(owner: &str) -> String {
    let user = owner.split('@').next().unwrap_or_default();
    let plain = |c: char| if c.is_ascii_alphanumeric() || "_+=,.-".contains(c) { c } else { '-' };
    format!("bullstra-up-{user}").chars().map(plain).take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn link(end: Option<i64>, is_session: bool, is_renewed: bool, told: Option<i64>) -> Link {
        let source = SharedCredentialsProvider::new(Credentials::new("id", "secret", None, None, "test"));
        let given = Given { end: end.map(at), is_session };
        Link { keeper: Keeper { source, last: Arc::new(Mutex::new(Some(given))) }, is_renewed, told: told.map(at) }
    }

    fn life(links: Vec<Link>) -> Life {
        links.iter().fold(Life::Renewed, |before, link| link.life(before))
    }

    #[test]
    fn keys_of_a_user_never_end_and_what_has_an_end_is_had_again() {
        assert_eq!(life(vec![link(None, false, true, None)]), Life::Renewed);
        assert_eq!(life(vec![link(Some(100), true, true, None)]), Life::Renewed);
        assert_eq!(life(vec![link(None, false, true, None), link(Some(100), true, true, None)]), Life::Renewed);
    }

    #[test]
    fn a_token_in_the_environment_ends_nobody_knows_when_unless_it_says() {
        assert_eq!(life(vec![link(None, true, true, None)]), Life::Unknown);
        assert_eq!(life(vec![link(None, true, true, Some(100))]), Life::Until(at(100)));
    }

    #[test]
    fn a_role_lasts_as_long_as_it_can_be_taken_on_again() {
        let token = || link(None, true, true, Some(100));
        assert_eq!(life(vec![token(), link(Some(160), true, true, None)]), Life::Until(at(160)));
        assert_eq!(life(vec![token(), link(Some(50), true, true, None)]), Life::Until(at(100)));
        assert_eq!(life(vec![link(None, true, true, None), link(Some(160), true, true, None)]), Life::Unknown);
    }

    #[test]
    fn what_was_had_with_a_code_ends_when_it_says() {
        assert_eq!(life(vec![link(None, false, true, None), link(Some(60), true, false, None)]), Life::Until(at(60)));
    }

    #[test]
    fn a_session_is_named_as_aws_takes_it() {
        assert_eq!(session_name("me@here"), "bullstra-up-me");
        assert_eq!(session_name("Zoë Müller@here"), "bullstra-up-Zo--M-ller");
        assert_eq!(session_name(&"x".repeat(99)).len(), 64);
    }
}
