//! The server: the page, the metrics, the health, and the state as JSON. It changes nothing.

mod ages;
mod json;
mod pages;

use std::{
    future::IntoFuture,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use axum::{
    Router,
    extract::{Path, Request, State},
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode, Uri,
        header::{
            ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
        },
    },
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use tokio::net::TcpListener;

use crate::{metrics::Format, watch::Watch};

/// The scheduler shows itself each ten seconds; after this time it hangs.
const LONGEST_SILENCE: Duration = Duration::from_secs(60);

const HTML: &str = "text/html; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";
/// No scripts, no frames, no forms, nothing from elsewhere.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
const STYLE: &str = include_str!("../../templates/style.css");

/// Listens, and returns the address and the work of serving.
///
/// # Errors
/// When the address cannot be had.
pub async fn serve(
    address: SocketAddr,
    watch: Watch,
) -> std::io::Result<(SocketAddr, impl Future<Output = std::io::Result<()>>)> {
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    Ok((address, axum::serve(listener, router(watch, address.ip())).into_future()))
}

/// All routes.
pub(crate) fn router(watch: Watch, ip: IpAddr) -> Router {
    Router::new()
        .route("/", get(overview))
        .route("/stacks/{name}", get(stack))
        .route("/style.css", get(async || typed("text/css; charset=utf-8", STYLE)))
        .route("/metrics", get(metrics))
        .route("/status.json", get(status))
        .route("/healthz", get(healthy))
        .route("/readyz", get(ready))
        .fallback(async || (StatusCode::NOT_FOUND, typed(TEXT, "there is no such page\n")))
        .layer(middleware::from_fn(move |request: Request, next: Next| guarded(ip, request, next)))
        .with_state(watch)
}

/// Refuses names that a browser was tricked into, where only this machine may ask, and sets the headers of every answer.
async fn guarded(ip: IpAddr, request: Request, next: Next) -> Response {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    let mut response = match ip.is_loopback() && !host.is_none_or(is_local) {
        true => (StatusCode::MISDIRECTED_REQUEST, typed(TEXT, "this server is asked as localhost\n")).into_response(),
        false => next.run(request).await,
    };
    let headers = response.headers_mut();
    let set = [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    headers.extend(set.map(|(name, value)| (name, HeaderValue::from_static(value))));
    response
}

fn is_local(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

async fn overview(State(watch): State<Watch>, uri: Uri) -> Response {
    let refreshes = uri.query() != Some("refresh=off");
    page(pages::overview(watch.board(), refreshes))
}

async fn stack(State(watch): State<Watch>, Path(name): Path<String>) -> Response {
    match pages::stack(watch.board(), &name) {
        Some(text) => page(text),
        None => (StatusCode::NOT_FOUND, typed(TEXT, "there is no such stack\n")).into_response(),
    }
}

fn page(rendered: Result<String, askama::Error>) -> Response {
    match rendered {
        Ok(text) => typed(HTML, text).into_response(),
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, typed(TEXT, "the page cannot be shown\n")).into_response(),
    }
}

async fn metrics(State(watch): State<Watch>, headers: HeaderMap) -> Response {
    let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let format = Format::accepted(accept);
    typed(format.content_type(), watch.metrics().text(format)).into_response()
}

async fn status(State(watch): State<Watch>) -> Response {
    typed("application/json", json::status(watch.board()).to_string()).into_response()
}

/// True as long as the scheduler is at work.
async fn healthy(State(watch): State<Watch>) -> Response {
    match watch.silence() < LONGEST_SILENCE {
        true => typed(TEXT, "ok\n").into_response(),
        false => (StatusCode::SERVICE_UNAVAILABLE, typed(TEXT, "the scheduler hangs\n")).into_response(),
    }
}

/// True as long as no stack's last complete check is older than three looks take.
async fn ready(State(watch): State<Watch>) -> Response {
    let (now, stacks) = watch.board().snapshot();
    let overdue: Vec<_> = stacks.iter().filter(|stack| watch.board().is_overdue(stack, now)).collect();
    if overdue.is_empty() {
        return typed(TEXT, "ok\n").into_response();
    }
    let line = |stack: &&crate::board::StackStatus| {
        format!("{}: the last complete check was {} ago\n", stack.name, ages::age(watch.board().age(stack, now)))
    };
    (StatusCode::SERVICE_UNAVAILABLE, typed(TEXT, overdue.iter().map(line).collect::<String>())).into_response()
}

fn typed(content_type: &'static str, body: impl IntoResponse) -> impl IntoResponse {
    ([(CONTENT_TYPE, content_type)], body)
}

#[cfg(test)]
mod tests;
