//! Refuses answers that are not whole.
//!
//! The SDK reads what it can: of XML that breaks off it gives the part before, and an empty answer in JSON is one in
//! which nothing is set. Either way a list comes out shorter than it is, and what it left out would be made a second
//! time. A proxy that cuts or replaces answers is enough for that.

use std::collections::BTreeMap;

use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{Intercept, context::AfterDeserializationInterceptorContextRef},
        orchestrator::Metadata,
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::config_bag::ConfigBag;
use memchr::memmem;
use serde::de::IgnoredAny;
use xmlparser::{ElementEnd, Token, Tokenizer};

use crate::Call;

/// An interceptor that refuses the answer to a read where it is not whole, or where a list lacks its list.
#[derive(Debug, Clone, Copy)]
pub struct ResponseCheck;

impl Intercept for ResponseCheck {
    fn name(&self) -> &'static str {
        "bullstra-up whole answers"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(metadata) = cfg.load::<Metadata>() else { return Ok(()) };
        let call = Call { service: metadata.service().into(), operation: metadata.name().into() };
        // What AWS refuses, and what the SDK cannot read, has its error already.
        if call.is_mutating() || context.output_or_error().is_err() {
            return Ok(());
        }
        let body = context.response().body().bytes().unwrap_or_default();
        check(&call.operation, body)
            .map_err(|why| format!("the answer to {} is not whole: {why}", call.operation).into())
    }
}

/// What stands in an answer beside what was asked for.
const BESIDES: [&str; 10] = [
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

fn check(operation: &str, body: &[u8]) -> Result<(), String> {
    let body = body.trim_ascii();
    // A `Get` may have nothing to say, nor has what bears no tag; lists are there even where they are empty.
    let lists =
        operation.starts_with("Describe") || (operation.starts_with("List") && !operation.starts_with("ListTags"));
    let is_asked_for = |member: &str| !BESIDES.contains(&member.to_lowercase().as_str());
    let is_there = match body.first() {
        None => return Err("it is empty".into()),
        Some(b'<') => xml(operation, body, is_asked_for)?,
        Some(_) => json(body)?.iter().any(|member| is_asked_for(member)),
    };
    if lists && !is_there {
        return Err("what was asked for is missing".into());
    }
    Ok(())
}

/// The members of an answer in JSON that are set.
fn json(body: &[u8]) -> Result<Vec<String>, String> {
    let members: BTreeMap<String, Option<IgnoredAny>> =
        serde_json::from_slice(body).map_err(|error| format!("it is no JSON object: {error}"))?;
    Ok(members.into_iter().filter_map(|(member, value)| value.map(|_| member)).collect())
}

/// True where a member of an answer in XML is asked for. It is whole where it ends as it begins, and not before: the SDK
/// has read all of it, and to read all of it again would cost as much.
fn xml(operation: &str, body: &[u8], is_asked_for: impl Fn(&str) -> bool) -> Result<bool, String> {
    let (response, result) = (format!("{operation}Response"), format!("{operation}Result"));
    let end = format!("</{response}>");
    match memmem::find(body, end.as_bytes()) {
        None => return Err(format!("it has no {end}")),
        Some(at) if at + end.len() < body.len() => return Err(format!("it goes on behind {end}")),
        Some(_) => {}
    }
    let body = std::str::from_utf8(body).map_err(|error| error.to_string())?;
    let mut open: Vec<&str> = vec![];
    for token in Tokenizer::from(body) {
        match token.map_err(|error| format!("it is no XML: {error}"))? {
            Token::ElementStart { local, .. } => {
                match open[..] {
                    [] if local.as_str() != response => return Err(format!("it begins with <{local}>")),
                    [_] if local.as_str() != result && is_asked_for(&local) => return Ok(true),
                    [_, parent] if parent == result && is_asked_for(&local) => return Ok(true),
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

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: &str = "<DescribeVpcsResponse><requestId>1</requestId><vpcSet/></DescribeVpcsResponse>";
    const ONE: &str = "<?xml version=\"1.0\"?>\n<ListRolesResponse xmlns=\"x\"><ListRolesResult><IsTruncated>false\
                       </IsTruncated><Roles><member/></Roles></ListRolesResult><ResponseMetadata/></ListRolesResponse>\n";

    #[test]
    fn whole_answers_are_taken_even_where_they_list_nothing() {
        check("DescribeVpcs", NONE.as_bytes()).unwrap();
        check("ListRoles", ONE.as_bytes()).unwrap();
        check("DescribeRepositories", br#"{"repositories":[]}"#).unwrap();
        check("GetBootstrapBrokers", b"{}").unwrap();
    }

    #[test]
    fn an_answer_cut_anywhere_is_refused() {
        for (operation, whole) in [("DescribeVpcs", NONE), ("ListRoles", ONE.trim_end())] {
            for length in 0..whole.len() {
                assert!(check(operation, &whole.as_bytes()[..length]).is_err(), "{}", &whole[..length]);
            }
        }
        let whole = r#"{"clusterArns":["a"],"nextToken":null}"#;
        for length in 0..whole.len() {
            assert!(check("ListClusters", &whole.as_bytes()[..length]).is_err(), "{}", &whole[..length]);
        }
    }

    #[test]
    fn what_lacks_what_was_asked_for_is_refused() {
        let token = "<DescribeVpcsResponse><requestId>1</requestId><nextToken/></DescribeVpcsResponse>";
        let bare = "<ListRolesResponse><ListRolesResult/><ResponseMetadata/></ListRolesResponse>";
        let other = "<html><body>Sign in</body></html>";
        let twice = "<DescribeVpcsResponse><vpcSet/></DescribeVpcsResponse>".repeat(2);
        for (operation, body) in [
            ("DescribeVpcs", token),
            ("DescribeVpcs", other),
            ("DescribeVpcs", &twice),
            ("ListRoles", bare),
            ("ListClusters", "{}"),
            ("ListClusters", r#"{"clusterArns":null,"nextToken":"x"}"#),
            ("DescribeClusters", r#"{"failures":[]}"#),
            ("ListClusters", "[]"),
            ("ListClusters", "Sign in"),
        ] {
            assert!(check(operation, body.as_bytes()).is_err(), "{body}");
        }
    }
}
