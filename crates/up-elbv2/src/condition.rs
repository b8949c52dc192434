//! Which requests a rule is for.

use std::collections::BTreeSet;

use aws_sdk_elasticloadbalancingv2::types as wire;
use up_core::{mirror, prelude::*};

type Values = BTreeSet<String>;

/// Which requests a rule is for. Of several values one must fit; of several conditions all must. `*` and `?` stand for
/// any text and any letter.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Condition {
    /// The host asked for, such as `["api.bullstra.com"]`.
    HostHeader(Values),
    /// The path asked for, such as `["/orders", "/orders/*"]`.
    PathPattern(Values),
    /// A header, such as `{ name = "X-Client", values = ["mobile*"] }`.
    HttpHeader(HttpHeader),
    /// The method, such as `["GET", "HEAD"]`.
    HttpRequestMethod(Values),
    /// Something behind the `?`, such as `[{ key = "version", value = "2" }]`.
    QueryString(BTreeSet<QueryPair>),
    /// Where the client is, such as `["10.0.0.0/8"]`.
    SourceIp(BTreeSet<Cidr>),
    /// One that this version cannot declare, by AWS's word for it: it only shows as a difference.
    #[schemars(skip)]
    Unknown(String),
}

/// A header.
#[part(Eq, PartialOrd, Ord, mirrors = wire::HttpHeaderConditionConfig)]
pub(crate) struct HttpHeader {
    /// Its name. Upper and lower case are alike.
    #[spec(member = http_header_name)]
    name: String,
    /// What it may say.
    values: Values,
}

/// Something behind the `?`.
#[part(Eq, PartialOrd, Ord, mirrors = wire::QueryStringKeyValuePair)]
pub(crate) struct QueryPair {
    /// Left out: any.
    key: Option<String>,
    /// What it says.
    value: String,
}

impl ToAws<wire::RuleCondition> for Condition {
    fn to_aws(&self, cx: &Context) -> Result<Option<wire::RuleCondition>> {
        /// The table of a condition that has nothing but values.
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

/// AWS shows some conditions twice: in a table of their own, and as plain values, as it used to.
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
    /// AWS's word for it, of which a rule has one each but for headers and query strings.
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

    /// How many values it has: AWS counts them over all conditions of a rule.
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
