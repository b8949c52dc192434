//! Adds, removes and describes rules of a security group.

use aws_sdk_ec2::types::IpPermission;
use up_core::{AlreadyDone, Context, ErrorKind, Result};

use crate::{
    client,
    rule::{Owner, Rule, Rules},
};

/// EC2's calls for the two directions have the same members, but different types. Without rules, nothing is sent.
macro_rules! send {
    ($way:expr, $cx:expr, $group:expr, $permissions:expr, $ingress:ident, $egress:ident) => {{
        let (ec2, permissions) = (client($cx), $permissions);
        match $way {
            _ if permissions.is_empty() => {}
            Way::In => _ = ec2.$ingress().group_id($group).set_ip_permissions(Some(permissions)).send().await?,
            Way::Out => _ = ec2.$egress().group_id($group).set_ip_permissions(Some(permissions)).send().await?,
        }
        Ok(())
    }};
}

/// The direction of a rule: EC2 has separate calls for each.
#[derive(Clone, Copy)]
pub(crate) enum Way {
    In,
    Out,
}

impl Way {
    /// EC2 adds all rules of a call or none. If one of them exists already, each is added by its own call.
    pub(crate) async fn open(self, cx: &Context, group: &str, permissions: Vec<IpPermission>) -> Result<()> {
        match self.authorize(cx, group, permissions.clone()).await {
            Err(error) if error.kind == ErrorKind::Exists => {
                for permission in permissions {
                    self.authorize(cx, group, vec![permission]).await.ignore_exists()?;
                }
                Ok(())
            }
            opened => opened,
        }
    }

    /// As [`Way::open`], for removing rules.
    pub(crate) async fn close(self, cx: &Context, group: &str, permissions: Vec<IpPermission>) -> Result<()> {
        match self.revoke(cx, group, permissions.clone()).await {
            Err(error) if error.kind == ErrorKind::NotFound => {
                for permission in permissions {
                    self.revoke(cx, group, vec![permission]).await.ignore_not_found()?;
                }
                Ok(())
            }
            closed => closed,
        }
    }

    async fn authorize(self, cx: &Context, group: &str, permissions: Vec<IpPermission>) -> Result<()> {
        send!(self, cx, group, permissions, authorize_security_group_ingress, authorize_security_group_egress)
    }

    async fn revoke(self, cx: &Context, group: &str, permissions: Vec<IpPermission>) -> Result<()> {
        send!(self, cx, group, permissions, revoke_security_group_ingress, revoke_security_group_egress)
    }

    /// Safe to repeat: descriptions are set.
    pub(crate) async fn describe(self, cx: &Context, group: &str, permissions: Vec<IpPermission>) -> Result<()> {
        send!(
            self,
            cx,
            group,
            permissions,
            update_security_group_rule_descriptions_ingress,
            update_security_group_rule_descriptions_egress
        )
    }
}

/// The changes that turn the rules of one direction into others.
pub(crate) struct RuleChange {
    pub(crate) open: Rules,
    pub(crate) close: Rules,
    pub(crate) describe: Rules,
}

impl RuleChange {
    pub(crate) fn between(cx: &Context, observed: &Rules, desired: &Rules) -> Result<Self> {
        let resolved = |rules: &Rules| rules.iter().map(|rule| rule.resolved(cx)).collect::<Result<Rules>>();
        let plain = |rules: &Rules| rules.iter().map(Rule::undescribed).collect::<Rules>();
        let (observed, desired) = (resolved(observed)?, resolved(desired)?);
        let (were, wanted) = (plain(&observed), plain(&desired));
        let (changed, new) =
            desired.difference(&observed).cloned().partition(|rule| were.contains(&rule.undescribed()));
        let close = were.difference(&wanted).cloned().collect();
        Ok(Self { open: new, close, describe: changed })
    }
}

/// Rules in EC2's form.
pub(crate) fn permissions<'a>(
    cx: &Context,
    rules: impl IntoIterator<Item = &'a Rule>,
    owner: Owner<'_>,
) -> Result<Vec<IpPermission>> {
    rules.into_iter().map(|rule| rule.permission(cx, owner)).collect()
}
