//! Sends notifications over HTTP, with the client that sends the calls to AWS.

use std::{fmt, time::Duration};

use aws_smithy_http_client::{
    Connector,
    proxy::ProxyConfig,
    tls::{Provider, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::{
    client::http::{HttpConnector, HttpConnectorSettings, SharedHttpConnector},
    http::Request,
};
use aws_smithy_types::body::SdkBody;

use crate::{config::Secret, look::Boxed};

const CONNECT: Duration = Duration::from_secs(5);
const READ: Duration = Duration::from_secs(15);

/// A request that posts JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Where to.
    pub url: Secret,
    /// Headers beside those that every request has.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// An answer to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// How long the receiver wants to be left alone.
    pub retry_after: Option<Duration>,
}

/// Sends requests.
pub trait Transport: fmt::Debug + Send + Sync {
    /// Sends a request. An error says why there was no answer, without the address.
    fn send(&self, request: Outgoing) -> Boxed<'_, Result<Answer, String>>;
}

/// Sends requests over HTTP and HTTPS, through the proxy that the environment names.
#[derive(Debug, Clone)]
pub struct HttpTransport(SharedHttpConnector);

impl Default for HttpTransport {
    fn default() -> Self {
        let settings = HttpConnectorSettings::builder().connect_timeout(CONNECT).read_timeout(READ).build();
        let connector = Connector::builder()
            .connector_settings(settings)
            .proxy_config(ProxyConfig::from_env())
            .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
            .build();
        Self(SharedHttpConnector::new(connector))
    }
}

impl Transport for HttpTransport {
    fn send(&self, outgoing: Outgoing) -> Boxed<'_, Result<Answer, String>> {
        Box::pin(async move {
            let mut request = Request::new(SdkBody::from(outgoing.body.clone()));
            request.set_method("POST").map_err(|_| "POST is no method")?;
            request.set_uri(outgoing.url.0.as_str()).map_err(|_| "its URL is not valid")?;
            let length = outgoing.body.len().to_string();
            let user_agent = concat!("bullstra-up/", env!("CARGO_PKG_VERSION"));
            let every = [("content-type", "application/json"), ("content-length", &length), ("user-agent", user_agent)];
            let headers = request.headers_mut();
            every.iter().for_each(|(name, value)| drop(headers.insert(*name, (*value).to_owned())));
            outgoing.headers.into_iter().for_each(|(name, value)| drop(headers.insert(name, value)));
            let answer = self.0.call(request).await.map_err(|error| match () {
                () if error.is_timeout() => "it did not answer in time".to_owned(),
                () if error.is_io() => "it cannot be reached".to_owned(),
                () => "the request was not answered".to_owned(),
            })?;
            let retry_after = answer.headers().get("retry-after").and_then(|value| value.parse().ok());
            Ok(Answer { status: answer.status().as_u16(), retry_after: retry_after.map(Duration::from_secs) })
        })
    }
}
