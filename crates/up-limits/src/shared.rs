//! The buckets of one account and region, shared by all runs on this machine.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::Mutex,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use crate::{Bucket, Drawn};

/// Whose limits they are: AWS counts for each account and region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The account's 12 digits.
    pub account: String,
    /// `us-east-1`.
    pub region: String,
}

type Buckets = BTreeMap<String, Bucket>;

/// Buckets in a file that is locked for each look at it, a small fraction of a millisecond. Where the file cannot be
/// used, this run keeps to the limits by itself.
#[derive(Debug)]
pub struct Shared {
    path: Option<PathBuf>,
    own: Mutex<Buckets>,
}

impl Shared {
    /// The buckets of `place`, in a file in `folder`.
    pub fn new(folder: &Path, place: &Place) -> Self {
        let Place { account, region } = place;
        // Both are AWS's words by now, and plain ones.
        Self { path: Some(folder.join(format!("{account}-{region}.json"))), own: Mutex::default() }
    }

    /// Takes a token from a bucket, and says how long the call has to wait for it.
    pub fn take(&self, drawn: &Drawn) -> Duration {
        Duration::from_secs_f64(self.with(|buckets, now| bucket(buckets, drawn, now).take(drawn.limit, now)))
    }

    /// AWS has throttled a call that drew from these buckets.
    pub fn throttled(&self, drawn: &[Drawn]) {
        self.with(|buckets, now| {
            drawn.iter().for_each(|drawn| bucket(buckets, drawn, now).throttled(drawn.limit, now));
        });
    }

    fn with<T>(&self, work: impl Fn(&mut Buckets, f64) -> T) -> T {
        if let Some(path) = &self.path {
            match in_file(path, &work) {
                Ok(done) => return done,
                Err(error) => tracing::debug!(path = %path.display(), %error, "the limits are not shared"),
            }
        }
        work(&mut self.own.lock().expect("no panic while held"), now())
    }
}

fn bucket<'a>(buckets: &'a mut Buckets, drawn: &Drawn, now: f64) -> &'a mut Bucket {
    buckets.entry(drawn.bucket.clone()).or_insert_with(|| Bucket::full(drawn.limit, now))
}

/// Does `work` on the buckets in a file that nobody else looks at meanwhile.
fn in_file<T>(path: &Path, work: impl Fn(&mut Buckets, f64) -> T) -> io::Result<T> {
    let mut file = open(path)?;
    file.lock()?;
    let mut text = String::new();
    // What is no bucket any more is begun anew: AWS's own answer corrects us.
    let mut buckets = match file.read_to_string(&mut text) {
        Ok(_) => serde_json::from_str(&text).unwrap_or_default(),
        Err(_) => Buckets::new(),
    };
    let done = work(&mut buckets, now());
    let text = serde_json::to_vec(&buckets)?;
    file.seek(SeekFrom::Start(0))?;
    file.write_all(&text)?;
    file.set_len(text.len() as u64)?;
    Ok(done)
}

fn open(path: &Path) -> io::Result<File> {
    let open = || OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
    open().or_else(|_| {
        fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
        open()
    })
}

/// Of all processes alike.
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use up_core::Limit;

    use super::*;

    fn place() -> Place {
        Place { account: "111122223333".into(), region: "us-east-1".into() }
    }

    /// A bucket of 3 calls that gets another one every 3.3 seconds.
    fn slow() -> Drawn {
        Drawn { bucket: "ec2:CreateVpcEndpoint".into(), limit: Limit::new("CreateVpcEndpoint", 3.0, 0.3) }
    }

    #[test]
    fn two_runs_share_a_bucket() {
        let folder = tempfile::tempdir().unwrap();
        let [one, two] = [(); 2].map(|()| Shared::new(&folder.path().join("limits"), &place()));
        let take = |run: &Shared| run.take(&slow());
        assert!([take(&one), take(&two), take(&one)].iter().all(Duration::is_zero));
        let (third, sixth) = (take(&one).as_secs_f64(), take(&two).as_secs_f64());
        assert!((3.0..3.4).contains(&third) && (6.0..6.8).contains(&sixth), "{third} {sixth}");
        let elsewhere = Shared::new(folder.path(), &Place { region: "eu-west-1".into(), ..place() });
        assert!(take(&elsewhere).is_zero());
    }

    #[test]
    fn a_file_that_cannot_be_used_is_done_without() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("blocked"), "no folder").unwrap();
        let run = Shared::new(&folder.path().join("blocked"), &place());
        let waits: Vec<_> = (0..4).map(|_| run.take(&slow())).collect();
        assert!(waits[2].is_zero() && !waits[3].is_zero(), "{waits:?}");
    }

    #[test]
    fn a_damaged_file_begins_anew() {
        let folder = tempfile::tempdir().unwrap();
        for damage in [&b"{\"EC2:Cr"[..], b"\xff\xfe", b"[]", b""] {
            fs::write(folder.path().join("111122223333-us-east-1.json"), damage).unwrap();
            assert!(Shared::new(folder.path(), &place()).take(&slow()).is_zero());
        }
    }
}
