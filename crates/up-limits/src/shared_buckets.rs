//! The token buckets of an account and a region, shared by all runs on this machine.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::Mutex,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use crate::{Bucket, Drawn};

type Buckets = BTreeMap<String, Bucket>;

/// The token buckets of an account and a region, in a file that all runs on this machine share. The file is locked while a run
/// reads and writes it, for less than a millisecond. A run that cannot use the file keeps to the limits by itself.
#[derive(Debug)]
pub struct SharedBuckets {
    path: PathBuf,
    own: Mutex<Buckets>,
}

impl SharedBuckets {
    /// The buckets of an account and a region, in a file in `folder`.
    pub fn new(folder: &Path, account: &str, region: &str) -> Self {
        Self { path: folder.join(format!("{account}-{region}.json")), own: Mutex::default() }
    }

    /// Takes a token from a bucket, and returns how long the call must wait for it.
    pub fn take(&self, drawn: &Drawn) -> Duration {
        Duration::from_secs_f64(self.with(|buckets, now| bucket(buckets, drawn, now).take(drawn.limit, now)))
    }

    /// Slows these buckets down after AWS has throttled a call that took tokens from them.
    pub fn throttled(&self, drawn: &[Drawn]) {
        self.with(|buckets, now| {
            drawn.iter().for_each(|drawn| bucket(buckets, drawn, now).throttled(drawn.limit, now));
        });
    }

    fn with<T>(&self, work: impl Fn(&mut Buckets, f64) -> T) -> T {
        in_file(&self.path, &work).unwrap_or_else(|error| {
            tracing::debug!(path = %self.path.display(), %error, "request limits are not shared with other runs");
            work(&mut self.own.lock().expect("no panic while held"), now())
        })
    }
}

fn bucket<'a>(buckets: &'a mut Buckets, drawn: &Drawn, now: f64) -> &'a mut Bucket {
    buckets.entry(drawn.bucket.clone()).or_insert_with(|| Bucket::full(drawn.limit, now))
}

/// Calls `work` with the buckets in a file, which is locked meanwhile.
fn in_file<T>(path: &Path, work: impl Fn(&mut Buckets, f64) -> T) -> io::Result<T> {
    let mut file = open(path)?;
    file.lock()?;
    let mut text = String::new();
    // A damaged file counts as an empty one: full buckets are corrected by AWS's answers.
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

/// Seconds since 1970, a clock that all processes share.
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use up_core::Limit;

    use super::*;

    fn buckets(folder: &Path, region: &str) -> SharedBuckets {
        SharedBuckets::new(folder, "111122223333", region)
    }

    /// A bucket of 3 calls that gets another one every 3.3 seconds.
    fn slow() -> Drawn {
        Drawn { bucket: "ec2:CreateVpcEndpoint".into(), limit: Limit::new("CreateVpcEndpoint", 3.0, 0.3) }
    }

    #[test]
    fn two_runs_share_a_bucket() {
        let folder = tempfile::tempdir().unwrap();
        let [one, two] = [(); 2].map(|()| buckets(&folder.path().join("limits"), "us-east-1"));
        let take = |run: &SharedBuckets| run.take(&slow());
        assert!([take(&one), take(&two), take(&one)].iter().all(Duration::is_zero));
        let (third, sixth) = (take(&one).as_secs_f64(), take(&two).as_secs_f64());
        assert!((3.0..3.4).contains(&third) && (6.0..6.8).contains(&sixth), "{third} {sixth}");
        let elsewhere = buckets(folder.path(), "eu-west-1");
        assert!(take(&elsewhere).is_zero());
    }

    #[test]
    fn a_file_that_cannot_be_used_is_done_without() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("blocked"), "no folder").unwrap();
        let run = buckets(&folder.path().join("blocked"), "us-east-1");
        let waits: Vec<_> = (0..4).map(|_| run.take(&slow())).collect();
        assert!(waits[2].is_zero() && !waits[3].is_zero(), "{waits:?}");
    }

    #[test]
    fn a_damaged_file_begins_anew() {
        let folder = tempfile::tempdir().unwrap();
        for damage in [&b"{\"EC2:Cr"[..], b"\xff\xfe", b"[]", b""] {
            fs::write(folder.path().join("111122223333-us-east-1.json"), damage).unwrap();
            assert!(buckets(folder.path(), "us-east-1").take(&slow()).is_zero());
        }
    }
}
