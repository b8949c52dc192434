//! Starts real sandboxes. Environments are kept between runs, below the target folder: making one takes half a minute.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use up_sandbox::{Error, SandboxOptions, SandboxProgress};

/// A sandbox of the test's own; it ends by itself should the test be killed.
fn options(name: &str) -> SandboxOptions {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sandbox");
    SandboxOptions { home: Some(home), idle: Some(Duration::from_secs(60)), ..SandboxOptions::named(name) }
}

#[tokio::test]
async fn life_of_a_sandbox() {
    let options = options("life");
    up_sandbox::stop(&options).await.unwrap();
    assert_eq!(up_sandbox::status(&options).await.unwrap(), None);

    let started = up_sandbox::start(&options).await.unwrap();
    assert!(started.endpoint.starts_with("http://127.0.0.1:"));
    assert!(started.is_current());
    assert_eq!(up_sandbox::status(&options).await.unwrap(), Some(started.clone()));
    assert_eq!(up_sandbox::start(&options).await.unwrap(), started, "a second start finds the first's sandbox");

    let dump = up_sandbox::dump(&options, Some("eu-central-1")).await.unwrap();
    let types: Vec<_> = dump["resources"].as_array().unwrap().iter().map(|found| &found["type"]).collect();
    assert!(types.contains(&&json!("ec2.vpc")), "{types:?}");
    assert_eq!(up_sandbox::calls(&options, 0).await.unwrap(), json!({"last": 0, "calls": []}));
    let settings = up_sandbox::configure(&options, &json!({"time_scale": 0})).await.unwrap();
    assert_eq!(settings["time_scale"], json!(0.0));
    up_sandbox::reset(&options).await.unwrap();
    let refused = up_sandbox::configure(&options, &json!({"speed": 1})).await.unwrap_err();
    assert!(matches!(&refused, Error::Refused { message, .. } if message.contains("unknown setting")), "{refused}");

    assert!(up_sandbox::stop(&options).await.unwrap());
    assert!(!up_sandbox::stop(&options).await.unwrap());
    let error = up_sandbox::reset(&options).await.unwrap_err();
    assert_eq!(error.to_string(), "the sandbox `life` is not running");
    assert!(error.hint().is_some());
}

#[tokio::test]
async fn starts_at_once_share_one_process() {
    let options = options("at-once");
    let (first, second, third) =
        tokio::join!(up_sandbox::start(&options), up_sandbox::start(&options), up_sandbox::start(&options));
    let pid = first.unwrap().pid;
    assert_eq!([second.unwrap().pid, third.unwrap().pid], [pid, pid]);
    assert!(up_sandbox::stop(&options).await.unwrap());
}

#[tokio::test]
async fn instances_are_apart() {
    let (one, other) = (options("one"), options("other"));
    let (first, second) = tokio::join!(up_sandbox::start(&one), up_sandbox::start(&other));
    assert_ne!(first.unwrap().endpoint, second.unwrap().endpoint);
    up_sandbox::configure(&one, &json!({"time_scale": 7})).await.unwrap();
    let untouched = up_sandbox::configure(&other, &json!({})).await.unwrap();
    assert_eq!(untouched["time_scale"], json!(600.0));
    assert!(up_sandbox::stop(&one).await.unwrap());
    assert!(up_sandbox::status(&other).await.unwrap().is_some());
    assert!(up_sandbox::stop(&other).await.unwrap());
}

#[tokio::test]
async fn idle_sandbox_ends_and_is_started_again() {
    let options = SandboxOptions { idle: Some(Duration::from_secs(1)), ..options("idle") };
    let first = up_sandbox::start(&options).await.unwrap();
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(up_sandbox::status(&options).await.unwrap(), None);
    let second = up_sandbox::start(&options).await.unwrap();
    assert_ne!(first.pid, second.pid);
    up_sandbox::stop(&options).await.unwrap();
}

#[tokio::test]
async fn taken_port_is_told_with_the_log() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let error = up_sandbox::start(&SandboxOptions { port, ..options("taken") }).await.unwrap_err();
    assert!(matches!(&error, Error::DidNotStart { output, .. } if output.contains("in use")), "{error}");
}

/// Makes an environment from nothing; the network and half a minute are what it costs.
#[tokio::test]
#[ignore = "downloads some 30 MB"]
async fn first_start_tells_its_progress() {
    let home: PathBuf = tempfile::tempdir().unwrap().keep();
    let told = Arc::new(Mutex::new(vec![]));
    let listener = Arc::clone(&told);
    let progress: Arc<dyn Fn(SandboxProgress) + Send + Sync> =
        Arc::new(move |step| listener.lock().unwrap().push(step));
    let options = SandboxOptions { home: Some(home.clone()), progress: Some(progress), ..options("first") };
    up_sandbox::start(&options).await.unwrap();
    up_sandbox::stop(&options).await.unwrap();
    std::fs::remove_dir_all(home).unwrap();
    let told = told.lock().unwrap();
    assert_eq!(told.first(), Some(&SandboxProgress::CreatingEnvironment));
    assert_eq!(told.last(), Some(&SandboxProgress::Starting));
    let counted = told.iter().rev().find_map(|step| match step {
        SandboxProgress::Installing { done, total, .. } => Some((*done, *total)),
        _ => None,
    });
    let (done, total) = counted.unwrap();
    assert!(done > 20 && done <= total, "{done} of {total}");
}
