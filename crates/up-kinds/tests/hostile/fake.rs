//! An AWS that says what the sandbox once said, see `record.py`, but for one answer.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, LazyLock, Mutex},
};

use aws_config::identity::IdentityCache;
use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_smithy_runtime_api::{
    client::{
        http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
        orchestrator::{HttpRequest, HttpResponse},
    },
    http::StatusCode,
};
use aws_smithy_types::body::SdkBody;
use serde::Deserialize;
use serde_json::Value;
use tokio::runtime::Runtime;
use up_core::{Address, AnyKind, Context, Error, Index, Meter, Observed, Query};

use crate::recorded::{self, STACK};

const ENDPOINT: &str = "http://aws.invalid";
/// One answer, and what it answers.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct RecordedAnswer {
    pub(crate) operation: String,
    /// The path, and the body in the next line.
    request: String,
    status: u16,
    headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl RecordedAnswer {
    fn asked(&self) -> RequestKey {
        let (path, body) = self.request.split_once('\n').unwrap_or((&self.request, ""));
        RequestKey::of(self.operation.clone(), path, body)
    }
}

/// All that was recorded.
pub(crate) static ANSWERS: LazyLock<Vec<RecordedAnswer>> =
    LazyLock::new(|| serde_json::from_str(include_str!("answers.json")).unwrap());

/// What each of them answers.
static ASKED: LazyLock<Vec<RequestKey>> = LazyLock::new(|| ANSWERS.iter().map(RecordedAnswer::asked).collect());

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

static INDEX: LazyLock<Arc<Index>> = LazyLock::new(|| {
    let fake = Fake::default();
    Arc::new(RUNTIME.block_on(up_kinds::index(&fake.cx(), Some(STACK))).unwrap())
});

/// What it says, and what it was asked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fake {
    /// The number of an answer, and what is said in its place.
    spoilt: Option<(usize, Vec<u8>)>,
    used: Arc<Mutex<BTreeSet<usize>>>,
}

impl Fake {
    fn cx(&self) -> Context {
        let connector = SharedHttpConnector::new(self.clone());
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .endpoint_url(ENDPOINT)
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new("a", "b", None, None, "tests")))
            .identity_cache(IdentityCache::no_cache())
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::disabled())
            .http_client(http_client_fn(move |_, _| connector.clone()));
        Context::new(config.build(), "111122223333", Meter::default())
    }
}

impl HttpConnector for Fake {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let body = String::from_utf8_lossy(request.body().bytes().unwrap_or_default()).into_owned();
        let path = request.uri().strip_prefix(ENDPOINT).unwrap_or(request.uri()).to_owned();
        let asked = RequestKey::of(operation(&path, request.headers().get("x-amz-target"), &body), &path, &body);
        let place = ASKED.iter().position(|recorded| *recorded == asked);
        let Some(place) = place else {
            let refused = HttpResponse::new(StatusCode::try_from(500).unwrap(), SdkBody::from("not recorded"));
            return HttpConnectorFuture::ready(Ok(refused));
        };
        self.used.lock().unwrap().insert(place);
        let RecordedAnswer { status, headers, body, .. } = &ANSWERS[place];
        let body = match &self.spoilt {
            Some((spoilt, bytes)) if *spoilt == place => SdkBody::from(bytes.clone()),
            _ => SdkBody::from(body.as_str()),
        };
        let mut response = HttpResponse::new(StatusCode::try_from(*status).unwrap(), body);
        for (name, value) in headers {
            response.headers_mut().insert(name.to_lowercase(), value.clone());
        }
        HttpConnectorFuture::ready(Ok(response))
    }
}

fn operation(path: &str, target: Option<&str>, body: &str) -> String {
    let action = || body.split('&').find_map(|pair| pair.strip_prefix("Action="));
    let named = target.and_then(|target| target.rsplit('.').next()).or_else(action);
    named.unwrap_or(path.split('?').next().unwrap_or_default()).to_owned()
}

/// What says how much is wanted, and in which form, and not of what.
const BESIDES: [&str; 8] =
    ["Version", "MaxItems", "MaxRecords", "MaxResults", "PageSize", "ResourcesPerPage", "limit", "maxResults"];

/// What a request is about: the answer to one is given to no other.
#[derive(Debug, PartialEq)]
struct RequestKey {
    operation: String,
    path: String,
    members: BTreeMap<String, String>,
}

impl RequestKey {
    fn of(operation: String, path: &str, body: &str) -> Self {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let pairs = |text: &str| -> Vec<(String, String)> {
            text.split('&')
                .filter_map(|pair| pair.split_once('='))
                .map(|(name, value)| (name.into(), value.into()))
                .collect()
        };
        let in_body = match serde_json::from_str::<BTreeMap<String, Value>>(body) {
            Ok(members) => members.into_iter().map(|(name, value)| (name, sorted(value).to_string())).collect(),
            Err(_) => pairs(body),
        };
        let members = pairs(query).into_iter().chain(in_body).filter(|(name, _)| !BESIDES.contains(&name.as_str()));
        Self { operation, path: path.to_owned(), members: members.collect() }
    }
}

/// The order of a list of names says nothing.
fn sorted(value: Value) -> Value {
    match value {
        Value::Array(mut items) if items.iter().all(Value::is_string) => {
            items.sort_by_key(ToString::to_string);
            Value::Array(items)
        }
        other => other,
    }
}

#[test]
fn an_answer_is_given_to_the_request_that_was_recorded_and_to_no_other() {
    let asked =
        |target: Option<&str>, path: &str, body: &str| RequestKey::of(operation(path, target, body), path, body);
    let vpc = |attribute: &str, vpc: &str, more: &str| {
        asked(None, "/", &format!("Action=DescribeVpcAttribute&Attribute={attribute}&VpcId={vpc}{more}"))
    };
    assert_eq!(vpc("a", "vpc-1", ""), vpc("a", "vpc-1", "&MaxResults=5&Version=2016-11-15"));
    assert_ne!(vpc("a", "vpc-1", ""), vpc("b", "vpc-1", ""));
    assert_ne!(vpc("a", "vpc-1", ""), vpc("a", "vpc-2", ""));
    assert_ne!(vpc("a", "vpc-1", ""), vpc("a", "vpc-1", "&NextToken=t"));
    let queue = |operation: &str, body: &str| asked(Some(operation), "/", body);
    assert_eq!(
        queue("SQS.Get", r#"{"names":["a","b"],"limit":5}"#),
        queue("SQS.Get", r#"{"limit":50,"names":["b","a"]}"#)
    );
    assert_ne!(queue("SQS.Get", r#"{"QueueUrl":"a"}"#), queue("SQS.Get", r#"{"QueueUrl":"b"}"#));
    assert_ne!(queue("SQS.Get", r#"{"QueueUrl":"a"}"#), queue("SQS.ListTags", r#"{"QueueUrl":"a"}"#));
    assert_eq!(asked(None, "/v1/clusters?maxResults=5", ""), asked(None, "/v1/clusters", ""));
    assert_ne!(asked(None, "/v1/clusters/a", ""), asked(None, "/v1/clusters/b", ""));
}

/// What a kind sees where the answer of this number is spoilt, and the answers that it asked for.
pub(crate) fn observe(
    kind: &'static dyn AnyKind,
    spoilt: Option<(usize, Vec<u8>)>,
) -> (Result<Vec<Observed<Value>>, Error>, BTreeSet<usize>) {
    let fake = Fake { spoilt, ..Fake::default() };
    let observed = RUNTIME.block_on(kind.observe(&fake.cx(), &query(kind)));
    let used = fake.used.lock().unwrap().clone();
    (observed, used)
}

/// The services that a kind calls to see its resources, as IAM names them.
pub(crate) fn services(kind: &'static dyn AnyKind) -> BTreeSet<String> {
    let cx = Fake::default().cx();
    RUNTIME.block_on(kind.observe(&cx, &query(kind))).unwrap();
    cx.meter().counts().into_keys().map(|call| call.service).collect()
}

fn query(kind: &dyn AnyKind) -> Query {
    let mut parents: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (parent, key) in recorded::children(kind) {
        parents.entry(id(&parent)).or_default().insert(key);
    }
    let (asked, parents) = (recorded::fields(kind), Arc::new(parents));
    Query { stack: STACK.into(), index: INDEX.clone(), asked, parents, ..Query::default() }
}

/// What AWS calls a resource of the stack, by its tags.
fn id(address: &Address) -> String {
    let observed = observe(up_kinds::find(&address.kind).unwrap(), None).0.unwrap();
    let is_meant = |observed: &Observed<Value>| observed.tags.get(Address::ADDRESS_TAG) == Some(&address.to_string());
    observed.into_iter().find(is_meant).unwrap_or_else(|| panic!("{address} was not recorded")).id
}

/// What a kind sees, as ids, or that it cannot.
pub(crate) fn ids(observed: Result<Vec<Observed<Value>>, Error>) -> Result<BTreeSet<String>, Error> {
    Ok(observed?.into_iter().map(|observed| observed.id).collect())
}
