//! The lease: who holds the lock, and until when.

use std::{
    collections::hash_map::RandomState,
    env, fs,
    hash::{BuildHasher, Hasher},
    io,
    os::unix::fs::MetadataExt,
    process,
    time::Duration,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::FORMAT;

/// How long a lease lasts without renewal.
pub(crate) const LIFE: Duration = Duration::from_secs(60);
/// The greatest difference between the clocks of two machines. A holder that cannot renew stops so much earlier, and
/// another machine takes the lock over so much later.
pub(crate) const SKEW: Duration = Duration::from_secs(10);

/// A claim on a stack for a limited time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// [`FORMAT`].
    pub format: u32,
    /// `user@host`.
    pub owner: String,
    /// The owner's command, such as `apply`.
    pub command: String,
    /// The owner's process.
    pub pid: u32,
    /// When the process started, in clock ticks since boot: tells a reused process id from the process.
    born: Option<u64>,
    /// The host, its boot id and its process namespace: only processes of the same place can be checked for being
    /// alive.
    #[serde(default)]
    place: String,
    /// A random number that tells otherwise equal leases apart.
    #[serde(default)]
    nonce: u64,
    /// When the run began.
    pub started: Timestamp,
    /// When the lease expires, unless it is renewed.
    pub expires: Timestamp,
}

impl Lease {
    /// A new lease for this process.
    pub(crate) fn ours(command: &str) -> Self {
        let now = Timestamp::now();
        Self {
            format: FORMAT,
            owner: owner(),
            command: command.to_owned(),
            pid: process::id(),
            born: born(process::id()).ok(),
            place: place(),
            nonce: RandomState::new().build_hasher().finish(),
            started: now,
            expires: now + LIFE,
        }
    }

    /// The same lease with a new expiry.
    pub(crate) fn renewed(&self) -> Self {
        Self { expires: Timestamp::now() + LIFE, ..self.clone() }
    }

    #[cfg(test)]
    pub(crate) fn over(&self) -> Self {
        Self { expires: Timestamp::now() - Duration::from_millis(1), ..self.clone() }
    }

    /// True for two versions of one lease.
    pub(crate) fn is(&self, other: &Self) -> bool {
        let key = |lease: &Self| (lease.pid, lease.born, lease.nonce, lease.started);
        key(self) == key(other) && self.place == other.place
    }

    /// True if the lease has expired, or its process is known to have ended.
    pub(crate) fn is_over(&self) -> bool {
        let now = Timestamp::now();
        if self.place != place() {
            return now - SKEW >= self.expires;
        }
        let died = || matches!(born(self.pid), Err(error) if error.kind() == io::ErrorKind::NotFound);
        let another = || self.born.is_some() && born(self.pid).ok() != self.born;
        now >= self.expires || died() || another()
    }
}

/// The user of this process: `user@host`.
pub fn owner() -> String {
    let named = env::var("USER").or_else(|_| env::var("LOGNAME")).ok().filter(|user| !user.is_empty());
    let numbered = || fs::metadata("/proc/self").map(|process| format!("uid-{}", process.uid()));
    let user = named.or_else(|| numbered().ok()).unwrap_or_else(|| "someone".into());
    format!("{user}@{}", host())
}

fn host() -> String {
    let kernel = fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let host = kernel.or_else(|| env::var("HOSTNAME").ok()).map(|host| host.trim().to_owned());
    host.filter(|host| !host.is_empty()).unwrap_or_else(|| "localhost".into())
}

/// Without `/proc`, places differ only by host name; [`born`] fails there, and leases end by expiry only.
fn place() -> String {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let namespace = fs::read_link("/proc/self/ns/pid").map(|link| link.display().to_string()).unwrap_or_default();
    format!("{} {} {namespace}", host(), boot.trim())
}

/// Reads the 22nd field of `/proc/<pid>/stat`, counted from behind the command's name, which may hold any character.
fn born(pid: u32) -> io::Result<u64> {
    if !fs::exists("/proc/self/stat")? {
        return Err(io::ErrorKind::Unsupported.into());
    }
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let fields = stat.rsplit_once(')').map(|(_, fields)| fields.split_whitespace());
    let born = fields.and_then(|mut fields| fields.nth(19)?.parse().ok());
    born.ok_or_else(|| io::ErrorKind::InvalidData.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_over_when_it_has_expired_or_its_process_has_ended() {
        let lease = Lease::ours("apply");
        assert!(!lease.is_over());
        assert!(Lease { expires: lease.started, ..lease.clone() }.is_over());
        let dead = Lease { pid: u32::MAX - 1, ..lease.clone() };
        assert!(dead.is_over());
        let number_used_again = Lease { born: Some(1), ..lease.clone() };
        assert!(number_used_again.is_over());
        let elsewhere = Lease { place: "another host".into(), ..dead };
        assert!(!elsewhere.is_over());
        assert!(!Lease { expires: Timestamp::MAX, ..elsewhere.clone() }.is_over());
        let run_out = |ago: u64| Lease { expires: Timestamp::now() - Duration::from_secs(ago), ..elsewhere.clone() };
        assert!(!run_out(SKEW.as_secs() - 2).is_over() && run_out(SKEW.as_secs()).is_over());
    }

    #[test]
    fn a_renewed_lease_is_the_same_lease() {
        let lease = Lease::ours("apply");
        assert!(lease.is(&lease.renewed()));
        assert!(!lease.is(&Lease { started: lease.started + Duration::from_secs(1), ..lease.clone() }));
    }
}
