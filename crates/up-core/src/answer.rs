//! Reads error codes from answers of any protocol, before the service's own types are parsed.

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

/// True if AWS throttled the call.
pub fn is_throttled(response: &HttpResponse) -> bool {
    const CODES: [&str; 6] = [
        "RequestLimitExceeded",
        "TooManyRequests",
        "SlowDown",
        "EC2ThrottledException",
        "BandwidthLimitExceeded",
        "Throttl",
    ];
    error_code(response).is_some_and(|code| CODES.iter().any(|throttled| code.contains(throttled)))
}

/// True for error codes that mean an exhausted quota.
pub(crate) fn is_quota(code: &str) -> bool {
    let code = code.trim_end_matches("Exception");
    code.ends_with("LimitExceeded") && !["RequestLimitExceeded", "BandwidthLimitExceeded"].contains(&code)
}

/// AWS's error code: from a header in the JSON protocols, otherwise from the body.
pub(crate) fn error_code(response: &HttpResponse) -> Option<String> {
    if response.status().is_success() {
        return None;
    }
    if let Some(code) = response.headers().get("x-amzn-errortype") {
        return Some(plain(code));
    }
    let body = std::str::from_utf8(response.body().bytes()?).ok()?;
    let between = |start: &str, end: &str| body.split_once(start)?.1.split_once(end).map(|(code, _)| code);
    let json = || {
        let body: serde_json::Value = serde_json::from_str(body).ok()?;
        body.get("__type").or_else(|| body.get("code"))?.as_str().map(plain)
    };
    between("<Code>", "</Code>").map(plain).or_else(json)
}

/// The code without the namespace before it and the URL after it: `com.amazonaws#Name:http://…`.
fn plain(code: &str) -> String {
    let code = code.split(':').next().unwrap_or(code);
    code.rsplit('#').next().unwrap_or(code).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use aws_smithy_runtime_api::http::StatusCode;
    use aws_smithy_types::body::SdkBody;

    use super::*;

    fn answer(status: u16, body: &str) -> HttpResponse {
        HttpResponse::new(StatusCode::try_from(status).unwrap(), SdkBody::from(body))
    }

    #[test]
    fn codes_are_read_in_every_protocol() {
        let ec2 = "<Response><Errors><Error><Code>RequestLimitExceeded</Code></Error></Errors></Response>";
        assert_eq!(error_code(&answer(503, ec2)).unwrap(), "RequestLimitExceeded");
        let ecs = r#"{"__type": "com.amazonaws.ecs#ThrottlingException", "message": "Rate exceeded"}"#;
        assert_eq!(error_code(&answer(400, ecs)).unwrap(), "ThrottlingException");
        let mut kafka = answer(429, "{}");
        kafka.headers_mut().insert("x-amzn-errortype", "TooManyRequestsException:http://internal.amazon.com/");
        assert_eq!(error_code(&kafka).unwrap(), "TooManyRequestsException");
        assert!([&answer(503, ec2), &answer(400, ecs), &kafka].into_iter().all(is_throttled));
        for none in [answer(200, ec2), answer(500, "<html>"), answer(500, "")] {
            assert!(!is_throttled(&none));
        }
    }

    #[test]
    fn a_quota_is_no_throttling() {
        for quota in ["LimitExceededException", "VpcLimitExceeded", "LimitExceeded"] {
            assert!(is_quota(quota), "{quota}");
        }
        for other in ["RequestLimitExceeded", "ThrottlingException", "VpcLimitExceededByName"] {
            assert!(!is_quota(other), "{other}");
        }
    }
}
