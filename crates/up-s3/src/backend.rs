//! A stack's files in a bucket.

use std::{sync::mpsc, time::Duration};

use aws_sdk_s3::{
    Client,
    config::{Builder, timeout::TimeoutConfig},
    error::ProvideErrorMetadata,
    primitives::ByteStream,
    types::{Delete, ObjectIdentifier},
};
use aws_types::SdkConfig;
use jiff::Timestamp;
use tokio::runtime::Runtime;
use up_core::{Error, Meter};
use up_state::{StateError, Store, StoredFile, Version, WriteIf};

use crate::{
    SERVICE,
    refused::{refused, sorted},
};

/// The files are small: an answer that takes longer is lost. Short enough that a lease of a minute is renewed in time.
const ATTEMPT: Duration = Duration::from_secs(8);
const OPERATION: Duration = Duration::from_secs(20);
/// As many keys as one call deletes.
const BATCH: usize = 1000;

/// A stack's part of a bucket.
///
/// Its calls are made on a thread of its own, so that callers may wait for them on any thread.
#[derive(Debug)]
pub struct BucketStore {
    client: Client,
    bucket: String,
    /// What the keys of the stack begin with: `prefix/stack/`.
    prefix: String,
    region: String,
    /// There until this is dropped.
    runtime: Option<Runtime>,
}

impl BucketStore {
    /// The files of `stack` under `prefix` of `bucket`, with the clients' settings of `config`. Makes no call.
    ///
    /// # Errors
    /// When the machine gives no thread.
    pub fn new(config: &SdkConfig, meter: Meter, bucket: &str, prefix: &str, stack: &str) -> std::io::Result<Self> {
        let patience = TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT).operation_timeout(OPERATION);
        let is_elsewhere = config.endpoint_url().is_some() || std::env::var_os("AWS_ENDPOINT_URL_S3").is_some();
        let client = Client::from_conf(
            Builder::from(config)
                .timeout_config(patience.build())
                // Emulators have no name for each bucket.
                .force_path_style(is_elsewhere)
                .interceptor(&SERVICE)
                .interceptor(meter)
                .build(),
        );
        let parts = [prefix, stack].into_iter().filter(|part| !part.is_empty());
        let prefix = parts.map(|part| format!("{part}/")).collect();
        let region = config.region().map_or_else(String::new, ToString::to_string);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("bullstra-up state")
            .enable_all()
            .build()?;
        Ok(Self { client, bucket: bucket.to_owned(), prefix, region, runtime: Some(runtime) })
    }

    fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// Waits for an answer without being part of any runtime.
    fn wait<T: Send + 'static>(
        &self,
        verb: &'static str,
        name: &str,
        call: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, StateError> {
        let (answer, answered) = mpsc::channel();
        if let Some(runtime) = &self.runtime {
            // Nobody waits any more where the answer cannot be given.
            runtime.spawn(async move { answer.send(call.await) });
        }
        let result = answered.recv().unwrap_or_else(|_| Err(Error::ours("the thread for S3 has ended")));
        result.map_err(|error| refused(verb, self.at(name), &self.bucket, &self.region, error))
    }
}

impl Drop for BucketStore {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Store for BucketStore {
    fn get(&self, name: &str) -> Result<Option<StoredFile>, StateError> {
        let call = self.client.get_object().bucket(&self.bucket).key(self.key(name));
        self.wait("read", name, async move {
            let object = match call.send().await {
                Err(error) if error.code() == Some("NoSuchKey") => return Ok(None),
                object => object.map_err(sorted)?,
            };
            let version = Version(object.e_tag.ok_or_else(|| Error::absent("ETag"))?.into_bytes().into());
            let written = object.last_modified.ok_or_else(|| Error::absent("Last-Modified"))?;
            let written = Timestamp::from_second(written.secs()).map_err(|_| Error::absent("Last-Modified"))?;
            let bytes = object.body.collect().await.map_err(|error| Error::unread(&error))?.to_vec();
            Ok(Some(StoredFile { bytes: bytes.into(), version, written }))
        })
    }

    fn put(&self, name: &str, bytes: &[u8], when: &WriteIf) -> Result<Option<Version>, StateError> {
        let call = self.client.put_object().bucket(&self.bucket).key(self.key(name));
        let call = call.content_type(if name.ends_with(".jsonl") { "application/jsonl" } else { "application/json" });
        let call = match when {
            WriteIf::Always => call,
            WriteIf::Absent => call.if_none_match("*"),
            WriteIf::Is(version) => call.if_match(String::from_utf8_lossy(&version.0)),
        };
        let is_conditional = *when != WriteIf::Always;
        let call = call.body(ByteStream::from(bytes.to_vec()));
        self.wait("write", name, async move {
            match call.send().await {
                Ok(put) => Ok(Some(Version(put.e_tag.ok_or_else(|| Error::absent("ETag"))?.into_bytes().into()))),
                Err(error) if is_conditional && error.code().is_some_and(is_conflict) => Ok(None),
                Err(error) => Err(sorted(error)),
            }
        })
    }

    fn delete(&self, names: &[String]) -> Result<(), StateError> {
        for batch in names.chunks(BATCH) {
            let keys = batch.iter().map(|name| ObjectIdentifier::builder().key(self.key(name)).build());
            let keys = keys
                .collect::<Result<Vec<_>, _>>()
                .and_then(|keys| Delete::builder().set_objects(Some(keys)).quiet(true).build());
            let call = self.client.delete_objects().bucket(&self.bucket);
            self.wait("delete", &batch[0], async move {
                let answer = call.delete(keys?).send().await.map_err(sorted)?;
                match answer.errors().first() {
                    None => Ok(()),
                    Some(error) => Err(Error::answered(
                        error.code().unwrap_or("DeleteFailed"),
                        error.message().unwrap_or("AWS gives no reason"),
                    )),
                }
            })?;
        }
        Ok(())
    }

    fn list(&self, prefix: &str) -> Result<Vec<String>, StateError> {
        let pages = self.client.list_objects_v2().bucket(&self.bucket).prefix(self.key(prefix)).into_paginator();
        let start = self.prefix.len();
        self.wait("list", prefix, async move {
            let (mut pages, mut names) = (pages.send(), vec![]);
            while let Some(page) = pages.next().await {
                let page = page.map_err(sorted)?;
                names.extend(page.contents().iter().filter_map(|object| Some(object.key()?.get(start..)?.to_owned())));
            }
            names.sort();
            Ok(names)
        })
    }

    fn at(&self, name: &str) -> String {
        format!("s3://{}/{}", self.bucket, self.key(name))
    }
}

/// Somebody was first: the condition does not hold, or is being decided for another writer just now. An object that
/// was to be changed and is gone says the same.
fn is_conflict(code: &str) -> bool {
    ["PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"].contains(&code)
}
