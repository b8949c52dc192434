//! What becomes of a request: shared by listeners and rules.

use std::collections::BTreeSet;

use aws_sdk_elasticloadbalancingv2::types::{
    self, ActionTypeEnum, FixedResponseActionConfig, ForwardActionConfig, RedirectActionConfig,
    TargetGroupStickinessConfig, TargetGroupTuple,
};
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
#[part]
pub(crate) struct Forward {
    /// One target group, or up to five that share the requests. Where a service of the stack (`ecs.service`) is deployed
    /// blue/green through it, Amazon ECS moves the weights, and the live ones stay. Where something outside the stack does
    /// (CodeDeploy), say so: `ignore_changes = ["actions[0].forward.target_groups[*].weight"]`.
    target_groups: BTreeSet<Share>,
    /// Seconds that a client stays with the target group it came to, 1 to 604,800. Left out: it does not.
    stickiness_duration_seconds: Option<i32>,
}

/// A target group's share of the requests.
#[part(Eq, PartialOrd, Ord)]
struct Share {
    /// The target group.
    target_group: Ref<names::TargetGroup>,
    /// Its share, beside those of the others, 0 to 999. Default: 1.
    #[spec(default = 1)]
    weight: i32,
}

/// Where a client is sent. `#{protocol}`, `#{host}`, `#{port}`, `#{path}` and `#{query}` stand for those of the
/// request.
#[part]
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
#[part]
pub(crate) struct FixedResponse {
    /// The status, such as 404: 200 to 299, or 400 to 599.
    status_code: u16,
    /// What the body is. Default: `text/plain`.
    #[spec(default = "text/plain".into())]
    content_type: String,
    /// The body, 1,024 bytes at most. Default: empty.
    #[spec(default)]
    message_body: String,
}

/// Actions as the API takes them.
pub(crate) fn wire(cx: &Context, actions: &[Action]) -> Result<Vec<types::Action>> {
    actions.iter().map(|action| action.wire(cx)).collect()
}

/// Actions as the API shows them, in their order.
pub(crate) fn observed(actions: Option<Vec<types::Action>>) -> Result<Vec<Action>> {
    let mut actions = actions.unwrap_or_default();
    actions.sort_by_key(|action| action.order);
    actions.into_iter().map(Action::observed).collect()
}

/// The rules for what a listener or a rule does.
pub(crate) fn check(field: &str, actions: &[Action]) -> Vec<Problem> {
    match actions {
        [action] => action.check(&format!("{field}[0]")),
        _ => vec![Problem::new(field, format!("exactly one action is possible, and here are {}", actions.len()))],
    }
}

impl Action {
    fn wire(&self, cx: &Context) -> Result<types::Action> {
        let action = types::Action::builder();
        Ok(match self {
            Self::Forward(forward) => action.r#type(ActionTypeEnum::Forward).forward_config(forward.wire(cx)?),
            Self::Redirect(redirect) => action.r#type(ActionTypeEnum::Redirect).redirect_config(redirect.wire()),
            Self::FixedResponse(response) => {
                action.r#type(ActionTypeEnum::FixedResponse).fixed_response_config(response.wire())
            }
            Self::Unknown(word) => return Err(Error::ours(format!("an action of the type {word} is never sent"))),
        }
        .build())
    }

    fn observed(action: types::Action) -> Result<Self> {
        if let Some(config) = action.redirect_config {
            return Redirect::observed(config).map(Self::Redirect);
        }
        if let Some(config) = action.fixed_response_config {
            return FixedResponse::observed(config).map(Self::FixedResponse);
        }
        match (action.forward_config, action.target_group_arn) {
            (Some(config), _) => Forward::observed(config).map(Self::Forward),
            (None, Some(arn)) => {
                let target_groups = [Share { target_group: Ref::id(arn), weight: Share::default_weight() }].into();
                Ok(Self::Forward(Forward { target_groups, stickiness_duration_seconds: None }))
            }
            (None, None) => {
                let word = action.r#type.ok_or_else(|| Error::absent("type of an action"))?;
                Ok(Self::Unknown(word.to_string()))
            }
        }
    }

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
    fn wire(&self, cx: &Context) -> Result<ForwardActionConfig> {
        let group = |share: &Share| {
            let group = TargetGroupTuple::builder().target_group_arn(cx.id(&share.target_group)?);
            Ok(group.weight(share.weight).build())
        };
        let mut groups = self.target_groups.iter().map(group).collect::<Result<Vec<_>>>()?;
        groups.sort_by(|one, other| one.target_group_arn.cmp(&other.target_group_arn));
        let seconds = self.stickiness_duration_seconds;
        let sticky = TargetGroupStickinessConfig::builder().enabled(seconds.is_some()).set_duration_seconds(seconds);
        let config = ForwardActionConfig::builder().set_target_groups(Some(groups));
        Ok(config.target_group_stickiness_config(sticky.build()).build())
    }

    fn observed(config: ForwardActionConfig) -> Result<Self> {
        let share = |group: TargetGroupTuple| {
            let arn = group.target_group_arn.ok_or_else(|| Error::absent("target group of an action"))?;
            Ok(Share { target_group: Ref::id(arn), weight: group.weight.unwrap_or_else(Share::default_weight) })
        };
        let target_groups = config.target_groups.into_iter().flatten().map(share).collect::<Result<_>>()?;
        let sticky = config.target_group_stickiness_config.filter(|sticky| sticky.enabled == Some(true));
        Ok(Self { target_groups, stickiness_duration_seconds: sticky.and_then(|sticky| sticky.duration_seconds) })
    }

    fn check(&self, field: &str) -> Vec<Problem> {
        let count = (!(1..=5).contains(&self.target_groups.len()))
            .then(|| Problem::new(format!("{field}.target_groups"), "one to five target groups are possible"));
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
    fn wire(&self) -> RedirectActionConfig {
        let config = RedirectActionConfig::builder().protocol(&self.protocol).host(&self.host).port(&self.port);
        let config = config.path(&self.path).query(&self.query);
        config.status_code(self.status_code.as_str().into()).build()
    }

    fn observed(config: RedirectActionConfig) -> Result<Self> {
        let status = config.status_code.ok_or_else(|| Error::absent("status of a redirect"))?;
        Ok(Self {
            protocol: config.protocol.unwrap_or_else(Redirect::default_protocol),
            host: config.host.unwrap_or_else(Redirect::default_host),
            port: config.port.unwrap_or_else(Redirect::default_port),
            path: config.path.unwrap_or_else(Redirect::default_path),
            query: config.query.unwrap_or_else(Redirect::default_query),
            status_code: RedirectStatus::observed(status.as_str()),
        })
    }

    fn check(&self, field: &str) -> Option<Problem> {
        let same = [
            self.protocol == Redirect::default_protocol(),
            self.host == Redirect::default_host(),
            self.port == Redirect::default_port(),
            self.path == Redirect::default_path(),
        ];
        // AWS does not count the query: a redirect to itself has no end.
        let message = "a redirect must change the protocol, the host, the port or the path";
        same.into_iter().all(|same| same).then(|| Problem::new(field, message))
    }
}

impl FixedResponse {
    fn wire(&self) -> FixedResponseActionConfig {
        let config = FixedResponseActionConfig::builder().status_code(self.status_code.to_string());
        config.content_type(&self.content_type).message_body(&self.message_body).build()
    }

    fn observed(config: FixedResponseActionConfig) -> Result<Self> {
        let status = config.status_code.and_then(|status| status.parse().ok());
        Ok(Self {
            status_code: status.ok_or_else(|| Error::absent("status of a fixed response"))?,
            content_type: config.content_type.unwrap_or_else(FixedResponse::default_content_type),
            // The API leaves out a body that is empty.
            message_body: config.message_body.unwrap_or_default(),
        })
    }

    fn check(&self, field: &str) -> Option<Problem> {
        let right = matches!(self.status_code, 200..=299 | 400..=599);
        let message = format!("200 to 299 and 400 to 599 are possible, and this is {}", self.status_code);
        (!right).then(|| Problem::new(format!("{field}.status_code"), message))
    }
}
