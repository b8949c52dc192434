//! Conditions of rules.

use std::collections::BTreeSet;

use aws_sdk_elasticloadbalancingv2::types as wire;
use up_core::{mirror, prelude::*};

type Values = BTreeSet<String>;

/// A condition for requests. One of its values must match; all conditions of a rule must match. `*` matches any text,
/// `?` any single character.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Condition {
    /// The host name, such as `["api.bullstra.com"]`.
    HostHeader(Values),
    /// The path of the URL, such as `["/orders", "/orders/*"]`.
    PathPattern(Values),
    /// An HTTP header, such as `{ name = "X-Client", values = ["mobile*"] }`.
    HttpHeader(HttpHeader),
    /// The HTTP method, such as `["GET", "HEAD"]`.
    HttpRequestMethod(Values),
    /// A parameter of the query string, such as `[{ key = "version", value = "2" }]`.
    QueryString(BTreeSet<QueryPair>),
    /// The source IP address, such as `["10.0.0.0/8"]`.
    SourceIp(BTreeSet<Cidr>),
    /// A type of condition that this version does not support, by AWS's name: it only appears in differences.
    #[schemars(skip)]
    Unknown(String),
}

/// An HTTP header.
#[part(Eq, PartialOrd, Ord, mirrors = wire::HttpHeaderConditionConfig)]
pub(crate) struct HttpHeader {
    /// The name of the header, not case-sensitive.
    #[spec(member = http_header_name)]
    name: String,
    /// The values to match.
    values: Values,
}

/// A parameter of the query string.
#[part(Eq, PartialOrd, Ord, mirrors = wire::QueryStringKeyValuePair)]
pub(crate) struct QueryPair {
    /// The key. Left out: any key.
    key: Option<String>,
    /// The value to match.
    value: String,
}

impl ToAws<wire::RuleCondition> for Condition {
    fn to_aws(&self, cx: &Context) -> Result<Option<wire::RuleCondition>> {
        /// The table of a condition that has only values.
        macro_rules! table {
            ($table:ident, $values:expr) => {
                wire::$table::builder().set_values($values.to_aws(cx)?).build()
            };
        }
        let condition = wire::RuleCondition::builder().field(self.field());
        let condition = match self {
            Self::HostHeader(hosts) => condition.host_header_config(table!(HostHeaderConditionConfig, hosts)),
            Self::PathPattern(paths) => condition.path_pattern_config(table!(PathPatternConditionConfig, paths)),
            Self::HttpHeader(header) => condition.set_http_header_config(header.to_aws(cx)?),
            Self::HttpRequestMethod(methods) => {
                condition.http_request_method_config(table!(HttpRequestMethodConditionConfig, methods))
            }
            Self::QueryString(pairs) => condition.query_string_config(table!(QueryStringConditionConfig, pairs)),
            Self::SourceIp(blocks) => condition.source_ip_config(table!(SourceIpConditionConfig, blocks)),
            Self::Unknown(_) => condition,
        };
        Ok(Some(condition.build()))
    }
}

/// AWS returns some conditions twice: in a separate table, and as plain values, which is the older form.
impl FromAws<wire::RuleCondition> for Condition {
    fn from_aws(condition: wire::RuleCondition) -> Result<Self> {
        let field = present(condition.field, "field of a condition")?;
        let plain = condition.values.unwrap_or_default();
        let set = |values: Option<Vec<String>>| values.unwrap_or(plain).into_iter().collect::<Values>();
        Ok(match field.as_str() {
            "host-header" => Self::HostHeader(set(condition.host_header_config.and_then(|config| config.values))),
            "path-pattern" => Self::PathPattern(set(condition.path_pattern_config.and_then(|config| config.values))),
            "http-header" => Self::HttpHeader(read!(condition.http_header_config)?),
            "http-request-method" => {
                Self::HttpRequestMethod(set(condition.http_request_method_config.and_then(|config| config.values)))
            }
            "query-string" => {
                let pairs = condition.query_string_config.and_then(|config| config.values);
                Self::QueryString(mirror::read(pairs, "query string")?)
            }
            "source-ip" => {
                let blocks = set(condition.source_ip_config.and_then(|config| config.values));
                Self::SourceIp(blocks.into_iter().map(Cidr::observed).collect())
            }
            _ => Self::Unknown(field),
        })
    }
}

impl Condition {
    /// AWS's name of the condition, which is unique in a rule except for headers and query strings.
    pub(crate) fn field(&self) -> &str {
        match self {
            Self::HostHeader(_) => "host-header",
            Self::PathPattern(_) => "path-pattern",
            Self::HttpHeader(_) => "http-header",
            Self::HttpRequestMethod(_) => "http-request-method",
            Self::QueryString(_) => "query-string",
            Self::SourceIp(_) => "source-ip",
            Self::Unknown(field) => field,
        }
    }

    /// The number of its values: AWS limits the sum over all conditions of a rule.
    pub(crate) fn values(&self) -> usize {
        match self {
            Self::HostHeader(values) | Self::PathPattern(values) | Self::HttpRequestMethod(values) => values.len(),
            Self::HttpHeader(HttpHeader { values, .. }) => values.len(),
            Self::QueryString(pairs) => pairs.len(),
            Self::SourceIp(blocks) => blocks.len(),
            Self::Unknown(_) => 0,
        }
    }
}
