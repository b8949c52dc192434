//! Actions of listeners and rules.

use std::collections::BTreeSet;

use aws_sdk_elasticloadbalancingv2::types::{self as wire, ActionTypeEnum};
use up_core::prelude::*;

use crate::{check_range, words::RedirectStatus};

/// What a listener or a rule does with a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Action {
    /// Forwards requests to target groups, such as `{ forward = { target_groups = [{ target_group = "orders" }] } }`.
    Forward(Forward),
    /// Redirects clients to another URL, such as `{ redirect = { protocol = "HTTPS", port = "443" } }`.
    Redirect(Redirect),
    /// Returns a fixed response, such as `{ fixed_response = { status_code = 404 } }`.
    FixedResponse(FixedResponse),
    /// A type of action that this version does not support, by AWS's name: it only appears in differences.
    #[schemars(skip)]
    Unknown(String),
}

/// The target groups that receive the requests.
#[part(mirrors = wire::ForwardActionConfig)]
pub(crate) struct Forward {
    /// One to five target groups. If an `ecs.service` of the stack does blue/green deployments with them, Amazon ECS
    /// changes the weights, and the live ones are kept. If something outside the stack does (CodeDeploy), declare it:
    /// `ignore_changes = ["actions[0].forward.target_groups[*].weight"]`.
    target_groups: BTreeSet<Share>,
    /// The number of seconds for which requests of a client are routed to the same target group, 1 to 604,800. Left
    /// out: no target group stickiness.
    #[spec(member = target_group_stickiness_config, with = stickiness)]
    stickiness_duration_seconds: Option<i32>,
}

/// A target group and its weight.
#[part(Eq, PartialOrd, Ord, mirrors = wire::TargetGroupTuple)]
struct Share {
    /// The target group.
    #[spec(member = target_group_arn)]
    target_group: Ref<names::TargetGroup>,
    /// The weight relative to those of the other target groups, 0 to 999. Default: 1.
    #[spec(default = 1)]
    weight: i32,
}

/// A redirect. `#{protocol}`, `#{host}`, `#{port}`, `#{path}` and `#{query}` stand for the parts of the request's URL.
#[part(mirrors = wire::RedirectActionConfig)]
pub(crate) struct Redirect {
    /// The protocol: `HTTP` or `HTTPS`. Default: that of the request.
    #[spec(default = "#{protocol}".into())]
    protocol: String,
    /// The host name. Default: that of the request.
    #[spec(default = "#{host}".into())]
    host: String,
    /// The port. Default: that of the request.
    #[spec(default = "#{port}".into())]
    port: String,
    /// The absolute path, beginning with `/`. Default: that of the request.
    #[spec(default = "/#{path}".into())]
    path: String,
    /// The query string, without the `?`. Default: that of the request.
    #[spec(default = "#{query}".into())]
    query: String,
    /// The status code: `HTTP_301` for a permanent, `HTTP_302` for a temporary redirect. Default: `HTTP_301`.
    #[spec(default = RedirectStatus::Http301)]
    status_code: RedirectStatus,
}

/// A fixed response.
#[part(mirrors = wire::FixedResponseActionConfig)]
pub(crate) struct FixedResponse {
    /// The HTTP status code, such as 404: 200 to 299, or 400 to 599.
    #[spec(with = status_text)]
    status_code: u16,
    /// The content type. Default: `text/plain`.
    #[spec(default = "text/plain".into())]
    content_type: String,
    /// The body, 1,024 bytes at most. Default: empty.
    #[spec(default)]
    message_body: String,
}

/// The stickiness duration, which AWS has in a separate table.
mod stickiness {
    use aws_sdk_elasticloadbalancingv2::types::TargetGroupStickinessConfig;
    use up_core::{Context, Result};

    pub(super) fn to_aws(seconds: &Option<i32>, _: &Context) -> Result<Option<TargetGroupStickinessConfig>> {
        let sticky = TargetGroupStickinessConfig::builder().enabled(seconds.is_some()).set_duration_seconds(*seconds);
        Ok(Some(sticky.build()))
    }

    pub(super) fn from_aws(sticky: Option<TargetGroupStickinessConfig>) -> Result<Option<i32>> {
        Ok(sticky.filter(|sticky| sticky.enabled == Some(true)).and_then(|sticky| sticky.duration_seconds))
    }
}

/// AWS has the status code as text.
mod status_text {
    use up_core::{Context, Result, present};

    pub(super) fn to_aws(status: &u16, _: &Context) -> Result<Option<String>> {
        Ok(Some(status.to_string()))
    }

    pub(super) fn from_aws(status: Option<String>) -> Result<u16> {
        present(status.and_then(|status| status.parse().ok()), "status of a fixed response")
    }
}

/// Actions in the order in which the API returns them.
pub(crate) fn observed(actions: Option<Vec<wire::Action>>) -> Result<Vec<Action>> {
    let mut actions = actions.unwrap_or_default();
    actions.sort_by_key(|action| action.order);
    FromAws::from_aws(actions)
}

/// The checks of the actions of a listener or a rule.
pub(crate) fn check(field: &str, actions: &[Action]) -> Vec<Problem> {
    match actions {
        [action] => action.check(&format!("{field}[0]")),
        _ => vec![Problem::new(field, format!("expected exactly one action, and found {}", actions.len()))],
    }
}

impl ToAws<wire::Action> for Action {
    fn to_aws(&self, cx: &Context) -> Result<Option<wire::Action>> {
        let action = wire::Action::builder();
        let action = match self {
            Self::Forward(it) => action.r#type(ActionTypeEnum::Forward).set_forward_config(it.to_aws(cx)?),
            Self::Redirect(it) => action.r#type(ActionTypeEnum::Redirect).set_redirect_config(it.to_aws(cx)?),
            Self::FixedResponse(it) => {
                action.r#type(ActionTypeEnum::FixedResponse).set_fixed_response_config(it.to_aws(cx)?)
            }
            Self::Unknown(word) => return Err(Error::ours(format!("an action of the type {word} cannot be sent"))),
        };
        Ok(Some(action.build()))
    }
}

impl FromAws<wire::Action> for Action {
    fn from_aws(action: wire::Action) -> Result<Self> {
        if let Some(config) = action.redirect_config {
            return FromAws::from_aws(config).map(Self::Redirect);
        }
        if let Some(config) = action.fixed_response_config {
            return FromAws::from_aws(config).map(Self::FixedResponse);
        }
        match (action.forward_config, action.target_group_arn) {
            (Some(config), _) => FromAws::from_aws(config).map(Self::Forward),
            (None, Some(arn)) => {
                let target_groups = [Share { target_group: Ref::id(arn), weight: Share::default_weight() }].into();
                Ok(Self::Forward(Forward { target_groups, stickiness_duration_seconds: None }))
            }
            (None, None) => Ok(Self::Unknown(present(action.r#type, "type of an action")?.to_string())),
        }
    }
}

impl Action {
    fn check(&self, field: &str) -> Vec<Problem> {
        match self {
            Self::Forward(forward) => forward.check(&format!("{field}.forward")),
            Self::Redirect(redirect) => redirect.check(&format!("{field}.redirect")).into_iter().collect(),
            Self::FixedResponse(response) => response.check(&format!("{field}.fixed_response")).into_iter().collect(),
            Self::Unknown(_) => vec![],
        }
    }
}

impl Forward {
    fn check(&self, field: &str) -> Vec<Problem> {
        let is_wrong = !(1..=5).contains(&self.target_groups.len());
        let count = Problem::when(is_wrong, format!("{field}.target_groups"), "expected one to five target groups");
        let shares = self
            .target_groups
            .iter()
            .filter_map(|share| check_range(&format!("{field}.target_groups.weight"), share.weight, 0..=999));
        let seconds = self
            .stickiness_duration_seconds
            .and_then(|seconds| check_range(&format!("{field}.stickiness_duration_seconds"), seconds, 1..=604_800));
        count.into_iter().chain(shares).chain(seconds).collect()
    }
}

impl Redirect {
    fn check(&self, field: &str) -> Option<Problem> {
        // AWS ignores the query here: a redirect to the same URL would never end.
        let is_same = self.protocol == Self::default_protocol()
            && self.host == Self::default_host()
            && self.port == Self::default_port()
            && self.path == Self::default_path();
        Problem::when(is_same, field, "a redirect must change the protocol, the host, the port or the path")
    }
}

impl FixedResponse {
    fn check(&self, field: &str) -> Option<Problem> {
        let right = matches!(self.status_code, 200..=299 | 400..=599);
        let message = format!("expected 200 to 299 or 400 to 599, and this is {}", self.status_code);
        Problem::when(!right, format!("{field}.status_code"), message)
    }
}
