//! Credentials that sign calls: the caller's own, or those of roles assumed with them; and how long they last.

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
use up_kinds::AssumableRole;

use super::{
    access,
    aws::{self, Connection},
    profile::{CredentialSource, Profile},
    target,
};
use crate::{Engine, Failure, Secrets};

/// How long credentials last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialLifetime {
    /// As long as needed: they never expire, or are renewed automatically.
    Renewed,
    /// They are not renewed, and nothing says when they expire.
    Unknown,
    /// They are not renewed, and expire then.
    Until(Timestamp),
}

/// An SDK configuration that signs calls.
#[derive(Debug)]
pub(super) struct Signer {
    /// The configuration of all clients.
    pub(super) config: SdkConfig,
    /// The profile to sign in with, where SSO gives the first credentials.
    pub(super) sso: Option<String>,
    links: Vec<Link>,
    secrets: Secrets,
}

/// One set of credentials in a chain: each is obtained with the one before it, and the last signs.
#[derive(Debug)]
struct Link {
    provider: RecordingProvider,
    is_renewed: bool,
    /// When they expire according to the environment, which the SDK does not read.
    told: Option<Timestamp>,
}

impl Signer {
    /// Finds the first credentials, and assumes the roles that the profile and the stack name.
    pub(super) async fn new(engine: &Engine, connection: &Connection) -> Result<Self, Failure> {
        let session_name = session_name(&up_state::owner());
        // As in AWS's own tools, keys in the environment go before a profile, unless that is named on the command line.
        let by_environment = connection.profile.is_none() && has_keys();
        let is_profile = !connection.is_sandbox && !by_environment;
        let profile = match is_profile {
            true => Profile::load(connection.profile.as_deref(), &session_name).await,
            false => None,
        };
        let (mut config, profiles) = aws::config(connection).await;
        target::usable(config.endpoint_url())?;
        let (mut roles, mut device, mut sso) = (vec![], None, None);
        if let Some(Profile { source, roles: its, mfa_serial, sso: signs_in }) = profile {
            let first = match source {
                CredentialSource::Selected => None,
                CredentialSource::Profile(name) => Some(SharedCredentialsProvider::new(profiles.profile(&name))),
                CredentialSource::Keys(keys) => Some(SharedCredentialsProvider::new(keys)),
            };
            config = first.map_or(config.clone(), |first| signed_by(&config, first));
            (roles, device, sso) = (its, mfa_serial, signs_in);
        }
        roles.extend(connection.role.as_ref().map(|role| AssumableRole {
            arn: role.arn.to_string(),
            session_name,
            external_id: role.external_id.clone(),
            seconds: None,
            mfa_serial: device,
        }));
        let mut signer = Self { config, sso, links: vec![], secrets: engine.secrets.clone() };
        let told = if by_environment { expiry_from_environment() } else { None };
        if let Some(first) = signer.config.credentials_provider() {
            signer.link(first, true, told);
        }
        for role in roles {
            signer.assume(role, engine, connection).await?;
        }
        Ok(signer)
    }

    /// How long the credentials that were used last are valid.
    pub(super) fn lifetime(&self) -> CredentialLifetime {
        self.links.iter().fold(CredentialLifetime::Renewed, |before, link| link.lifetime(before))
    }

    async fn assume(&mut self, role: AssumableRole, engine: &Engine, connection: &Connection) -> Result<(), Failure> {
        let code = match &role.mfa_serial {
            Some(serial) => Some(engine.mfa_code(&role.arn, serial, connection.mfa_code.as_ref()).await?),
            None => None,
        };
        let assumed = up_kinds::assume(&self.config, &role, code.as_deref(), &engine.meter).await;
        let first = assumed.map_err(|error| {
            access::not_assumed(&error, &role, connection, self.config.endpoint_url(), self.sso.as_deref())
        })?;
        // A code is valid once: credentials obtained with it cannot be renewed.
        if code.is_some() {
            self.link(SharedCredentialsProvider::new(first), false, None);
        } else {
            let (config, meter, first) = (self.config.clone(), engine.meter.clone(), Mutex::new(Some(first)));
            self.link(SharedCredentialsProvider::new(AssumedRole { config, role, meter, first }), true, None);
        }
        Ok(())
    }

    /// Signs with these from now on.
    fn link(&mut self, source: SharedCredentialsProvider, is_renewed: bool, told: Option<Timestamp>) {
        let provider = RecordingProvider { source, last: Arc::default(), secrets: self.secrets.clone() };
        self.config = signed_by(&self.config, SharedCredentialsProvider::new(provider.clone()));
        self.links.push(Link { provider, is_renewed, told });
    }
}

impl Link {
    /// How long these last, where the credentials they are obtained with last for `before`.
    fn lifetime(&self, before: CredentialLifetime) -> CredentialLifetime {
        let Some(Issued { end, is_session }) = *self.provider.last.lock().expect("no panic while held") else {
            return before;
        };
        match (end, self.is_renewed) {
            (Some(end), false) => CredentialLifetime::Until(end),
            // Obtained shortly before the others expire, they last longer than those.
            (Some(end), true) => match before {
                CredentialLifetime::Until(other) => CredentialLifetime::Until(other.max(end)),
                before => before,
            },
            (None, _) if is_session => self.told.map_or(CredentialLifetime::Unknown, CredentialLifetime::Until),
            (None, _) => before,
        }
    }
}

/// Passes credentials on, records when they expire, and has them masked.
#[derive(Debug, Clone)]
struct RecordingProvider {
    source: SharedCredentialsProvider,
    last: Arc<Mutex<Option<Issued>>>,
    secrets: Secrets,
}

#[derive(Debug, Clone, Copy)]
struct Issued {
    end: Option<Timestamp>,
    is_session: bool,
}

impl RecordingProvider {
    async fn give(&self) -> provider::Result {
        let given = self.source.provide_credentials().await?;
        let (id, secret, token) = (given.access_key_id(), given.secret_access_key(), given.session_token());
        self.secrets.add_credentials([id, secret].into_iter().chain(token));
        let end = given.expiry().and_then(|end: SystemTime| Timestamp::try_from(end).ok());
        *self.last.lock().expect("no panic while held") = Some(Issued { end, is_session: token.is_some() });
        Ok(given)
    }
}

impl ProvideCredentials for RecordingProvider {
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

/// Assumes a role again whenever its session has expired.
#[derive(Debug)]
struct AssumedRole {
    config: SdkConfig,
    role: AssumableRole,
    meter: Meter,
    first: Mutex<Option<Credentials>>,
}

impl AssumedRole {
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

impl ProvideCredentials for AssumedRole {
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

/// When the keys in the environment expire, as `aws configure export-credentials --format env` writes it.
fn expiry_from_environment() -> Option<Timestamp> {
    std::env::var("AWS_CREDENTIAL_EXPIRATION").ok()?.parse().ok()
}

/// `bullstra-up-me`, of the characters that STS allows: up to 64 letters, digits and `_+=,.@-`.
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
        let given = Issued { end: end.map(at), is_session };
        let last = Arc::new(Mutex::new(Some(given)));
        let provider = RecordingProvider { source, last, secrets: Secrets::default() };
        Link { provider, is_renewed, told: told.map(at) }
    }

    fn lifetime(links: Vec<Link>) -> CredentialLifetime {
        links.iter().fold(CredentialLifetime::Renewed, |before, link| link.lifetime(before))
    }

    #[test]
    fn keys_of_a_user_never_expire_and_others_are_renewed() {
        assert_eq!(lifetime(vec![link(None, false, true, None)]), CredentialLifetime::Renewed);
        assert_eq!(lifetime(vec![link(Some(100), true, true, None)]), CredentialLifetime::Renewed);
        assert_eq!(
            lifetime(vec![link(None, false, true, None), link(Some(100), true, true, None)]),
            CredentialLifetime::Renewed
        );
    }

    #[test]
    fn a_token_in_the_environment_has_an_unknown_end_unless_it_says() {
        assert_eq!(lifetime(vec![link(None, true, true, None)]), CredentialLifetime::Unknown);
        assert_eq!(lifetime(vec![link(None, true, true, Some(100))]), CredentialLifetime::Until(at(100)));
    }

    #[test]
    fn a_role_lasts_as_long_as_it_can_be_assumed_again() {
        let token = || link(None, true, true, Some(100));
        assert_eq!(lifetime(vec![token(), link(Some(160), true, true, None)]), CredentialLifetime::Until(at(160)));
        assert_eq!(lifetime(vec![token(), link(Some(50), true, true, None)]), CredentialLifetime::Until(at(100)));
        assert_eq!(
            lifetime(vec![link(None, true, true, None), link(Some(160), true, true, None)]),
            CredentialLifetime::Unknown
        );
    }

    #[test]
    fn credentials_obtained_with_a_code_are_not_renewed() {
        assert_eq!(
            lifetime(vec![link(None, false, true, None), link(Some(60), true, false, None)]),
            CredentialLifetime::Until(at(60))
        );
    }

    #[test]
    fn a_session_is_named_as_aws_takes_it() {
        assert_eq!(session_name("me@here"), "bullstra-up-me");
        assert_eq!(session_name("Zoë Müller@here"), "bullstra-up-Zo--M-ller");
        assert_eq!(session_name(&"x".repeat(99)).len(), 64);
    }
}
