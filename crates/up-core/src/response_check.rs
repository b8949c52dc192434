//! Refuses incomplete answers.
//!
//! The SDK reads what it can: of truncated XML it returns the part before the end, and an empty JSON answer is one
//! without any members. Either way a list would be too short, and the resources missing in it would be created a second
//! time. A proxy that truncates or replaces answers is enough for that.
//!
//! What a complete answer looks like follows from its protocol, and from the member that a list must have ([`Service::lists`]).

use std::collections::BTreeMap;

use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{
            Intercept,
            context::{AfterDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef},
        },
        orchestrator::{HttpRequest, Metadata},
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::config_bag::{ConfigBag, Storable, StoreReplace};
use memchr::memmem;
use serde::de::IgnoredAny;
use xmlparser::{ElementEnd, Token, Tokenizer};

use crate::{Service, meter::is_mutating};

/// An interceptor that refuses the answer to a read if it is incomplete, or if the listed member is missing.
#[derive(Debug, Clone, Copy)]
pub struct ResponseCheck;

/// The protocol of a call, as far as the form of its answer depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protocol {
    /// A form, answered in XML that names the operation: EC2's protocol and the query protocol.
    Query,
    /// JSON, with the operation in a header.
    Json,
    /// A path, answered in XML or in JSON.
    Rest,
    /// A `HEAD` request for a path, answered by headers alone.
    Head,
}

impl Storable for Protocol {
    type Storer = StoreReplace<Self>;
}

impl Protocol {
    fn of(request: &HttpRequest) -> Self {
        let is_form = |kind: &str| kind.starts_with("application/x-www-form-urlencoded");
        match request.headers() {
            _ if request.method() == "HEAD" => Self::Head,
            headers if headers.contains_key("x-amz-target") => Self::Json,
            headers if headers.get("content-type").is_some_and(is_form) => Self::Query,
            _ => Self::Rest,
        }
    }
}

impl Intercept for ResponseCheck {
    fn name(&self) -> &'static str {
        "bullstra-up response check"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        cfg.interceptor_state().store_put(Protocol::of(context.request()));
        Ok(())
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let (Some(metadata), Some(protocol)) = (cfg.load::<Metadata>(), cfg.load::<Protocol>()) else { return Ok(()) };
        let operation = metadata.name();
        // Refused calls and answers that the SDK cannot parse are errors already.
        if is_mutating(operation) || context.output_or_error().is_err() {
            return Ok(());
        }
        // The body of a streamed object is not in memory.
        let Some(body) = context.response().body().bytes() else { return Ok(()) };
        let lists = Service::called(cfg).map_or(&[][..], |service| service.lists);
        check(*protocol, operation, lists, body)
            .map_err(|why| format!("the answer to {operation} is incomplete: {why}").into())
    }
}

/// What an answer must have.
#[derive(Debug, Clone, Copy)]
enum Needed {
    Nothing,
    /// Any member beside those in [`ENVELOPE_MEMBERS`].
    Something,
    Member(&'static str),
}

impl Needed {
    fn of(protocol: Protocol, operation: &str, lists: &[(&'static str, Option<&'static str>)], body: &[u8]) -> Self {
        if let Some((_, member)) = lists.iter().find(|(name, _)| *name == operation) {
            return member.map_or(Self::Nothing, Self::Member);
        }
        // The answer to a `Get` may be empty, and so may a list of tags. Other lists are present even if they are
        // empty, except in the XML of path protocols, which has each item directly below the root.
        let lists =
            operation.starts_with("Describe") || (operation.starts_with("List") && !operation.starts_with("ListTags"));
        let is_flat = protocol == Protocol::Rest && body.starts_with(b"<");
        if lists && !is_flat { Self::Something } else { Self::Nothing }
    }

    fn is(self, member: &str) -> bool {
        match self {
            Self::Nothing => true,
            Self::Something => !ENVELOPE_MEMBERS.contains(&member.to_lowercase().as_str()),
            Self::Member(needed) => member == needed,
        }
    }
}

/// Members that an answer has beside its result.
const ENVELOPE_MEMBERS: [&str; 10] = [
    "failures",
    "istruncated",
    "marker",
    "maxrecords",
    "maxresults",
    "nextmarker",
    "nexttoken",
    "paginationtoken",
    "requestid",
    "responsemetadata",
];

fn check(
    protocol: Protocol,
    operation: &str,
    lists: &[(&'static str, Option<&'static str>)],
    body: &[u8],
) -> Result<(), String> {
    let body = body.trim_ascii();
    let needed = Needed::of(protocol, operation, lists, body);
    let is_there = match (protocol, body.first()) {
        (Protocol::Head, _) => true,
        (_, None) => return Err("it is empty".into()),
        (Protocol::Query, _) => xml(Some(operation), body, needed)?,
        (Protocol::Rest, Some(b'<')) => xml(None, body, needed)?,
        (Protocol::Json | Protocol::Rest, _) => json(body)?.iter().any(|member| needed.is(member)),
    };
    match needed {
        Needed::Something if !is_there => Err("the requested list is missing".into()),
        Needed::Member(member) if !is_there => Err(format!("`{member}` is missing")),
        _ => Ok(()),
    }
}

/// The members of a JSON answer that are not null.
fn json(body: &[u8]) -> Result<Vec<String>, String> {
    let members: BTreeMap<String, Option<IgnoredAny>> =
        serde_json::from_slice(body).map_err(|error| format!("it is not a JSON object: {error}"))?;
    Ok(members.into_iter().filter_map(|(member, value)| value.map(|_| member)).collect())
}

/// True if an XML answer has the needed member: below its root, or below `<OperationResult>` in the answer to a form,
/// whose root is `<OperationResponse>`. An answer is complete if it ends with the closing tag of its root, and this tag
/// does not come earlier; parsing all of it again would cost as much as the SDK's own parsing. For path protocols the
/// SDK checks the root's name.
fn xml(operation: Option<&str>, body: &[u8], needed: Needed) -> Result<bool, String> {
    let text = std::str::from_utf8(body).map_err(|error| error.to_string())?;
    let root = match operation {
        Some(operation) => format!("{operation}Response"),
        None => root(text)?,
    };
    let result = operation.map(|operation| format!("{operation}Result"));
    refuse_cut(&root, text)?;
    let mut open: Vec<&str> = vec![];
    for token in Tokenizer::from(text) {
        match token.map_err(|error| format!("it is not XML: {error}"))? {
            Token::ElementStart { local, span, .. } => {
                let is_result = result.as_deref() == Some(local.as_str());
                match open[..] {
                    [] if span.as_str()[1..] != root => return Err(format!("it begins with <{local}>")),
                    [_] if !is_result && needed.is(&local) => return Ok(true),
                    [_, parent] if result.as_deref() == Some(parent) && needed.is(&local) => return Ok(true),
                    _ => {}
                }
                open.push(local.as_str());
            }
            Token::ElementEnd { end: ElementEnd::Empty | ElementEnd::Close(..), .. } => {
                open.pop();
            }
            _ => {}
        }
    }
    Ok(false)
}

/// The name of the first element, with its prefix.
fn root(text: &str) -> Result<String, String> {
    let mut tokens = Tokenizer::from(text).map_while(Result::ok);
    let root = tokens.find_map(|token| match token {
        Token::ElementStart { span, .. } => Some(span.as_str()[1..].to_owned()),
        _ => None,
    });
    root.ok_or_else(|| "it has no element".into())
}

/// Refuses text that does not end with the closing tag of its root, or continues behind it.
fn refuse_cut(root: &str, text: &str) -> Result<(), String> {
    // An empty root may be a self-closing tag.
    let is_self_closing = text.ends_with("/>")
        && text.rfind('<').is_some_and(|at| {
            let name = &text[at + 1..text.len() - 2];
            name.split_whitespace().next() == Some(root)
        });
    let end = format!("</{root}>");
    match memmem::find(text.as_bytes(), end.as_bytes()) {
        None if is_self_closing => Ok(()),
        None => Err(format!("it has no {end}")),
        Some(at) if at + end.len() < text.len() => Err(format!("it continues behind {end}")),
        Some(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: &str = "<DescribeVpcsResponse><requestId>1</requestId><vpcSet/></DescribeVpcsResponse>";
    const ONE: &str = "<?xml version=\"1.0\"?>\n<ListRolesResponse xmlns=\"x\"><ListRolesResult><IsTruncated>false\
                       </IsTruncated><Roles><member/></Roles></ListRolesResult><ResponseMetadata/></ListRolesResponse>\n";
    const BUCKETS: &str = "<?xml version=\"1.0\"?>\n<ListAllMyBucketsResult xmlns=\"x\"><Owner/><Buckets><Bucket/></Buckets>\
                           </ListAllMyBucketsResult>";
    /// An empty bucket: items would be directly below the root.
    const OBJECTS: &str = "<ListBucketResult><Name>b</Name><KeyCount>0</KeyCount></ListBucketResult>";
    const VERSIONING: &str = "<?xml version=\"1.0\"?><VersioningConfiguration xmlns=\"x\"/>";

    /// SQS, S3 and CloudFront.
    const LISTS: &[(&str, Option<&str>)] =
        &[("ListQueues", None), ("ListBuckets", Some("Buckets")), ("ListDistributions", Some("Quantity"))];

    fn check(protocol: Protocol, operation: &str, body: &str) -> Result<(), String> {
        super::check(protocol, operation, LISTS, body.as_bytes())
    }

    #[test]
    fn complete_answers_are_accepted_even_if_their_lists_are_empty() {
        for (protocol, operation, body) in [
            (Protocol::Query, "DescribeVpcs", NONE),
            (Protocol::Query, "ListRoles", ONE),
            (Protocol::Json, "DescribeRepositories", r#"{"repositories":[]}"#),
            (Protocol::Json, "ListQueues", "{}"),
            (Protocol::Rest, "GetBootstrapBrokers", "{}"),
            (Protocol::Rest, "ListClustersV2", r#"{"clusterInfoList":[]}"#),
            (Protocol::Rest, "ListBuckets", BUCKETS),
            (Protocol::Rest, "ListObjectsV2", OBJECTS),
            (Protocol::Rest, "GetBucketVersioning", VERSIONING),
            (Protocol::Rest, "ListDistributions", "<DistributionList><Quantity>0</Quantity></DistributionList>"),
            (Protocol::Head, "HeadBucket", ""),
        ] {
            check(protocol, operation, body).unwrap_or_else(|why| panic!("{operation}: {why}"));
        }
    }

    #[test]
    fn an_answer_truncated_anywhere_is_refused() {
        for (protocol, operation, whole) in [
            (Protocol::Query, "DescribeVpcs", NONE),
            (Protocol::Query, "ListRoles", ONE.trim_end()),
            (Protocol::Json, "ListClusters", r#"{"clusterArns":["a"],"nextToken":null}"#),
            (Protocol::Json, "ListQueues", r#"{"QueueUrls":["a"]}"#),
            (Protocol::Rest, "ListClustersV2", r#"{"clusterInfoList":["a"]}"#),
            (Protocol::Rest, "ListBuckets", BUCKETS),
            (Protocol::Rest, "ListObjectsV2", OBJECTS),
            (Protocol::Rest, "GetBucketVersioning", VERSIONING),
        ] {
            for length in 0..whole.len() {
                assert!(check(protocol, operation, &whole[..length]).is_err(), "{}", &whole[..length]);
            }
        }
    }

    #[test]
    fn an_answer_without_the_requested_list_is_refused() {
        let token = "<DescribeVpcsResponse><requestId>1</requestId><nextToken/></DescribeVpcsResponse>";
        let bare = "<ListRolesResponse><ListRolesResult/><ResponseMetadata/></ListRolesResponse>";
        let other = "<html><body>Sign in</body></html>";
        let twice = "<DescribeVpcsResponse><vpcSet/></DescribeVpcsResponse>".repeat(2);
        for (protocol, operation, body) in [
            (Protocol::Query, "DescribeVpcs", token),
            (Protocol::Query, "DescribeVpcs", other),
            (Protocol::Query, "DescribeVpcs", "{}"),
            (Protocol::Query, "DescribeVpcs", &twice),
            (Protocol::Query, "ListRoles", bare),
            (Protocol::Json, "ListClusters", "{}"),
            (Protocol::Json, "ListClusters", r#"{"clusterArns":null,"nextToken":"x"}"#),
            (Protocol::Json, "DescribeClusters", r#"{"failures":[]}"#),
            (Protocol::Json, "ListClusters", "[]"),
            (Protocol::Json, "ListClusters", "Sign in"),
            (Protocol::Json, "ListQueues", other),
            (Protocol::Json, "ListQueues", "null"),
            (Protocol::Rest, "ListClustersV2", "{}"),
            (Protocol::Rest, "ListBuckets", "<ListAllMyBucketsResult><Owner/></ListAllMyBucketsResult>"),
            (Protocol::Rest, "ListBuckets", "<ListAllMyBucketsResult/>"),
            (Protocol::Rest, "ListBuckets", "{}"),
            (Protocol::Rest, "ListBuckets", &BUCKETS.repeat(2)),
            (Protocol::Rest, "ListDistributions", "<DistributionList><Marker/></DistributionList>"),
            (Protocol::Rest, "GetBucketVersioning", ""),
        ] {
            assert!(check(protocol, operation, body).is_err(), "{operation} {body}");
        }
    }

    #[test]
    fn the_protocol_is_read_from_the_request() {
        let of = |method: &str, headers: &[(&'static str, &'static str)]| {
            let mut request = HttpRequest::empty();
            request.set_method(method).unwrap();
            for (name, value) in headers {
                request.headers_mut().insert(*name, *value);
            }
            Protocol::of(&request)
        };
        assert_eq!(of("POST", &[("content-type", "application/x-www-form-urlencoded")]), Protocol::Query);
        assert_eq!(
            of("POST", &[("content-type", "application/x-amz-json-1.1"), ("x-amz-target", "a.B")]),
            Protocol::Json
        );
        assert_eq!(of("GET", &[]), Protocol::Rest);
        assert_eq!(of("HEAD", &[]), Protocol::Head);
    }
}
