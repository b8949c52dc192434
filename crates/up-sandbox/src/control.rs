//! The control endpoints of a running sandbox, `/_sandbox/…`.

use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::header::CONTENT_TYPE;
use hyper::{Method, Request};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tokio::time::timeout;

use crate::{Error, Result};

/// A dump of a full account takes a few seconds; what takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(60);

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Asks a control endpoint: `get(&status.endpoint, "dump?account=123456789012")`.
///
/// # Errors
///
/// Where nothing answers there, or it refuses.
pub async fn get(endpoint: &str, name: &str) -> Result<Value> {
    ask(Method::GET, endpoint, name, String::new()).await
}

/// Tells a control endpoint something.
///
/// # Errors
///
/// Where nothing answers there, or it refuses.
pub async fn post(endpoint: &str, name: &str, body: &Value) -> Result<Value> {
    ask(Method::POST, endpoint, name, body.to_string()).await
}

async fn ask(method: Method, endpoint: &str, name: &str, body: String) -> Result<Value> {
    let url = format!("{endpoint}/_sandbox/{name}");
    let answered = timeout(PATIENCE, exchange(method, &url, body)).await;
    let answered = answered.unwrap_or_else(|_| Err(format!("no answer within {} s", PATIENCE.as_secs()).into()));
    let (is_success, answer) = answered.map_err(|source| Error::Unreachable { endpoint: url.clone(), source })?;
    if is_success {
        return Ok(answer);
    }
    let message = answer["error"].as_str().map_or_else(|| answer.to_string(), str::to_owned);
    Err(Error::Refused { endpoint: url, message })
}

/// One request and its answer; whether that is a success, and its body.
async fn exchange(method: Method, url: &str, body: String) -> std::result::Result<(bool, Value), BoxError> {
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let body = Full::new(Bytes::from(body));
    let request = Request::builder().method(method).uri(url).header(CONTENT_TYPE, "application/json").body(body)?;
    let answer = client.request(request).await?;
    let is_success = answer.status().is_success();
    let body = answer.into_body().collect().await?.to_bytes();
    Ok((is_success, serde_json::from_slice(&body)?))
}
