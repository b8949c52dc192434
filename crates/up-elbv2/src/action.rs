//! What becomes of a request: shared by listeners and rules.

use std::collections::BTreeSet;

use aws_sdk_elasticloadbalancingv2::types::{self as wire, ActionTypeEnum};
use up_core::prelude::*;

use crate::{check_range, words::RedirectStatus};

/// What becomes of a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Action {
    /// It goes to a target, such as `{ forward = { target_groups = [{ target_group = "orders" }] } }`.
    Forward(Forward),
    /// The client is sent elsewhere, such as `{ redirect = { protocol = "HTTPS", port = "443" } }`.
    Redirect(Redirect),
    /// The load balancer answers itself, such as `{ fixed_response = { status_code = 404 } }`.
    FixedResponse(FixedResponse),
    /// One that this version cannot declare, by AWS's word for it: it only shows as a difference.
    #[schemars(skip)]
    Unknown(String),
}

/// Where requests go.
#[part(mirrors = wire::ForwardActionConfig)]
pub(crate) struct Forward {
    /// One target group, or up to five that share the requests. Where a service of the stack (`ecs.service`) is deployed
    /// blue/green through it, Amazon ECS moves the weights, and the live ones stay. Where something outside the stack does
    /// (CodeDeploy), say so: `ignore_changes = ["actions[0].forward.target_groups[*].weight"]`.
    target_groups: BTreeSet<Share>,
    /// Seconds that a client stays with the target group it came to, 1 to 604,800. Left out: it does not.
    #[spec(member = target_group_stickiness_config, with = stickiness)]
    stickiness_duration_seconds: Option<i32>,
}

/// A target group's share of the requests.
#[part(Eq, PartialOrd, Ord, mirrors = wire::TargetGroupTuple)]
struct Share {
    /// The target group.
    #[spec(member = target_group_arn)]
    target_group: Ref<names::TargetGroup>,
    /// Its share, beside those of the others, 0 to 999. Default: 1.
    #[spec(default = 1)]
    weight: i32,
}

/// Where a client is sent. `#{protocol}`, `#{host}`, `#{port}`, `#{path}` and `#{query}` stand for those of the
/// request.
#[part(mirrors = wire::RedirectActionConfig)]
pub(crate) struct Redirect {
    /// `HTTP` or `HTTPS`. Default: as it came.
    #[spec(default = "#{protocol}".into())]
    protocol: String,
    /// Default: as it came.
    #[spec(default = "#{host}".into())]
    host: String,
    /// Default: as it came.
    #[spec(default = "#{port}".into())]
    port: String,
    /// Default: as it came.
    #[spec(default = "/#{path}".into())]
    path: String,
    /// What stands behind the `?`. Default: as it came.
    #[spec(default = "#{query}".into())]
    query: String,
    /// Whether clients may remember it. Default: `HTTP_301`, they may.
    #[spec(default = RedirectStatus::Http301)]
    status_code: RedirectStatus,
}

/// What the load balancer answers.
#[part(mirrors = wire::FixedResponseActionConfig)]
pub(crate) struct FixedResponse {
    /// The status, such as 404: 200 to 299, or 400 to 599.
    #[spec(with = status_text)]
    status_code: u16,
    /// What the body is. Default: `text/plain`.
    #[spec(default = "text/plain".into())]
    content_type: String,
    /// The body, 1,024 bytes at most. Default: empty.
    #[spec(default)]
    message_body: String,
}

/// How long a client stays, in a table of its own.
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

/// AWS has a status as text.
mod status_text {
    use up_core::{Context, Result, present};

    pub(super) fn to_aws(status: &u16, _: &Context) -> Result<Option<String>> {
        Ok(Some(status.to_string()))
    }

    pub(super) fn from_aws(status: Option<String>) -> Result<u16> {
        present(status.and_then(|status| status.parse().ok()), "status of a fixed response")
    }
}

/// Actions as the API shows them, in their order.
pub(crate) fn observed(actions: Option<Vec<wire::Action>>) -> Result<Vec<Action>> {
    let mut actions = actions.unwrap_or_default();
    actions.sort_by_key(|action| action.order);
    FromAws::from_aws(actions)
}

/// The rules for what a listener or a rule does.
pub(crate) fn check(field: &str, actions: &[Action]) -> Vec<Problem> {
    match actions {
        [action] => action.check(&format!("{field}[0]")),
        _ => vec![Problem::new(field, format!("exactly one action is possible, and here are {}", actions.len()))],
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
            Self::Unknown(word) => return Err(Error::ours(format!("an action of the type {word} is never sent"))),
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
        let count = Problem::when(is_wrong, format!("{field}.target_groups"), "one to five target groups are possible");
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
        // AWS does not count the query: a redirect to itself has no end.
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
        let message = format!("200 to 299 and 400 to 599 are possible, and this is {}", self.status_code);
        Problem::when(!right, format!("{field}.status_code"), message)
    }
}
