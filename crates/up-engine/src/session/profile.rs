//! What `~/.aws` says of a profile, where the SDK leaves something to do.
//!
//! The SDK assumes a profile's role itself, but knows no MFA and sends its calls past `--endpoint-url`. So a profile whose role
//! has a `source_profile` is taken apart here; all other sorts are left to the SDK.

use aws_config::profile::{self, Profile as Section, ProfileSet};
use aws_credential_types::Credentials;
use aws_types::os_shim_internal::{Env, Fs};
use up_kinds::AssumableRole;

/// A profile, taken apart.
#[derive(Debug, Clone)]
pub(super) struct Profile {
    /// Where its first credentials come from.
    pub(super) source: CredentialSource,
    /// The roles that are assumed with them, one after the other.
    pub(super) roles: Vec<AssumableRole>,
    /// The MFA device of a profile without a role of its own: it is for the stack's.
    pub(super) mfa_serial: Option<String>,
    /// The profile to sign in with, where SSO gives the first credentials.
    pub(super) sso: Option<String>,
}

/// Where a profile's first credentials come from.
#[derive(Debug, Clone)]
pub(super) enum CredentialSource {
    /// Whatever the SDK makes of the profile that was asked for.
    Selected,
    /// Whatever the SDK makes of this one.
    Profile(String),
    /// The keys in the file.
    Keys(Credentials),
}

impl Profile {
    /// Reads the profile `named`; where none is, the one that the environment selects. Nothing where there is no such
    /// profile, or the files cannot be read: the SDK says so in its turn.
    #[expect(deprecated, reason = "the way without it names one more crate of the SDK")]
    pub(super) async fn load(named: Option<&str>, session_name: &str) -> Option<Self> {
        let files = profile::profile_file::ProfileFiles::default();
        let named = named.map(|name| name.to_owned().into());
        let profiles = profile::load(&Fs::real(), &Env::real(), &files, named).await.ok()?;
        let selected = profiles.get_profile(profiles.selected_profile())?;
        let (base, roles) =
            chain(&profiles, selected, session_name).unwrap_or_else(|| (CredentialSource::Selected, Vec::new()));
        let last = match &base {
            CredentialSource::Profile(name) => profiles.get_profile(name),
            CredentialSource::Selected => Some(selected),
            CredentialSource::Keys(_) => None,
        };
        let sso = last.filter(|last| has(last, "sso_session") || has(last, "sso_start_url"));
        let serial = selected.get("mfa_serial").filter(|_| !has(selected, "role_arn"));
        Some(Self {
            source: base,
            roles,
            mfa_serial: serial.map(str::to_owned),
            sso: sso.map(|profile| profile.name().to_owned()),
        })
    }
}

/// The way from a profile with a role to the credentials it begins with. Nothing where the SDK is to go it.
fn chain(
    profiles: &ProfileSet,
    selected: &Section,
    session_name: &str,
) -> Option<(CredentialSource, Vec<AssumableRole>)> {
    let (mut roles, mut passed) = (vec![], vec![]);
    let mut next = selected;
    let base = loop {
        // A source with keys is just those, whatever else it says; a profile may be its own source.
        if !passed.is_empty()
            && let Some(keys) = keys(next)
        {
            break CredentialSource::Keys(keys);
        }
        if passed.contains(&next.name()) {
            return None;
        }
        passed.push(next.name());
        if !has(next, "role_arn") || has(next, "web_identity_token_file") {
            break CredentialSource::Profile(next.name().to_owned());
        }
        roles.push(role(next, session_name)?);
        next = profiles.get_profile(next.get("source_profile")?)?;
    };
    roles.reverse();
    if roles.is_empty() { None } else { Some((base, roles)) }
}

fn role(profile: &Section, session_name: &str) -> Option<AssumableRole> {
    let text = |key: &str| profile.get(key).map(str::to_owned);
    Some(AssumableRole {
        arn: text("role_arn")?,
        session_name: text("role_session_name").unwrap_or_else(|| session_name.to_owned()),
        external_id: text("external_id"),
        seconds: profile.get("duration_seconds").and_then(|seconds| seconds.parse().ok()),
        mfa_serial: text("mfa_serial"),
    })
}

fn keys(profile: &Section) -> Option<Credentials> {
    let (id, secret) = (profile.get("aws_access_key_id")?, profile.get("aws_secret_access_key")?);
    Some(Credentials::new(id, secret, profile.get("aws_session_token").map(str::to_owned), None, "profile"))
}

fn has(profile: &Section, key: &str) -> bool {
    profile.get(key).is_some()
}
