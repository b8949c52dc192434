//! Which requests a rule is for.

use std::collections::BTreeSet;

use aws_sdk_elasticloadbalancingv2::types::{
    self, HostHeaderConditionConfig, HttpHeaderConditionConfig, HttpRequestMethodConditionConfig,
    PathPatternConditionConfig, QueryStringConditionConfig, QueryStringKeyValuePair, SourceIpConditionConfig,
};
use up_core::prelude::*;

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
#[part(Eq, PartialOrd, Ord)]
pub(crate) struct HttpHeader {
    /// Its name. Upper and lower case are alike.
    name: String,
    /// What it may say.
    values: Values,
}

/// Something behind the `?`.
#[part(Eq, PartialOrd, Ord)]
pub(crate) struct QueryPair {
    /// Left out: any.
    key: Option<String>,
    /// What it says.
    value: String,
}

impl Condition {
    pub(crate) fn wire(&self) -> types::RuleCondition {
        let list = |values: &Values| Some(values.iter().cloned().collect());
        let condition = types::RuleCondition::builder().field(self.field());
        let condition = match self {
            Self::HostHeader(values) => {
                condition.host_header_config(HostHeaderConditionConfig::builder().set_values(list(values)).build())
            }
            Self::PathPattern(values) => {
                condition.path_pattern_config(PathPatternConditionConfig::builder().set_values(list(values)).build())
            }
            Self::HttpHeader(HttpHeader { name, values }) => {
                let config = HttpHeaderConditionConfig::builder().http_header_name(name).set_values(list(values));
                condition.http_header_config(config.build())
            }
            Self::HttpRequestMethod(values) => {
                let config = HttpRequestMethodConditionConfig::builder().set_values(list(values));
                condition.http_request_method_config(config.build())
            }
            Self::QueryString(pairs) => {
                let pair = |QueryPair { key, value }: &QueryPair| {
                    QueryStringKeyValuePair::builder().set_key(key.clone()).value(value).build()
                };
                let pairs = pairs.iter().map(pair).collect();
                let config = QueryStringConditionConfig::builder().set_values(Some(pairs));
                condition.query_string_config(config.build())
            }
            Self::SourceIp(blocks) => {
                let blocks = blocks.iter().map(Cidr::to_string).collect();
                condition.source_ip_config(SourceIpConditionConfig::builder().set_values(Some(blocks)).build())
            }
            Self::Unknown(_) => condition,
        };
        condition.build()
    }

    /// AWS shows some conditions twice: in a table of their own, and as plain values, as it used to.
    pub(crate) fn observed(condition: types::RuleCondition) -> Result<Self> {
        let field = condition.field.ok_or_else(|| Error::absent("field of a condition"))?;
        let plain = condition.values.unwrap_or_default();
        let set = |values: Option<Vec<String>>| values.unwrap_or(plain).into_iter().collect::<Values>();
        Ok(match field.as_str() {
            "host-header" => Self::HostHeader(set(condition.host_header_config.and_then(|config| config.values))),
            "path-pattern" => Self::PathPattern(set(condition.path_pattern_config.and_then(|config| config.values))),
            "http-header" => {
                let config = condition.http_header_config.ok_or_else(|| Error::absent("header of a condition"))?;
                let name = config.http_header_name.ok_or_else(|| Error::absent("header of a condition"))?;
                Self::HttpHeader(HttpHeader { name, values: set(config.values) })
            }
            "http-request-method" => {
                Self::HttpRequestMethod(set(condition.http_request_method_config.and_then(|config| config.values)))
            }
            "query-string" => {
                let pairs = condition.query_string_config.and_then(|config| config.values).unwrap_or_default();
                Self::QueryString(pairs.into_iter().filter_map(QueryPair::observed).collect())
            }
            "source-ip" => {
                let blocks = set(condition.source_ip_config.and_then(|config| config.values));
                Self::SourceIp(blocks.into_iter().map(Cidr::observed).collect())
            }
            _ => Self::Unknown(field),
        })
    }

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

impl QueryPair {
    fn observed(pair: QueryStringKeyValuePair) -> Option<Self> {
        Some(Self { key: pair.key, value: pair.value? })
    }
}
