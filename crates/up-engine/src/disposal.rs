//! Disposable stacks: what an apply stamps, and what it says about them.

use std::time::Duration;

use jiff::Timestamp;
use up_apply::Birth;
use up_core::{Clock, Stamps};
use up_plan::{Disposal, LiveStack, Notice};

use crate::{Failure, Goal, Reason};

/// When a stack expires: the latest stamp that its resources have. `extend` may have come to some of them only.
pub(crate) fn expiry<'a>(stamps: impl IntoIterator<Item = &'a Stamps>) -> Option<Timestamp> {
    stamps.into_iter().filter(|stamps| stamps.is_disposable).filter_map(|stamps| stamps.expires).max()
}

/// The expiry of a live stack.
pub(crate) fn expiry_of(live_stack: &LiveStack) -> Option<Timestamp> {
    let stamps: Vec<_> = live_stack.stamps(&up_kinds::model).into_iter().map(|(_, stamps)| stamps).collect();
    expiry(&stamps)
}

impl Goal {
    /// Lets a disposable stack that does not exist yet live for `ttl`, instead of as long as its file says.
    ///
    /// # Errors
    /// When the stack is not disposable.
    pub fn with_ttl(mut self, ttl: Duration) -> Result<Self, Failure> {
        if self.ttl.is_none() {
            let message = format!("`--ttl` is for disposable stacks, and `{}` is none", self.target().stack);
            return Err(Failure::new(Reason::Input, message).hint("set `disposable = true` and `ttl` in `[stack]`"));
        }
        (self.ttl, self.is_given_ttl) = (Some(ttl), true);
        Ok(self)
    }

    /// What the stack's file says about its end. A destroy says nothing.
    pub(crate) fn disposal(&self) -> Disposal {
        match self.ttl {
            _ if self.resources.is_empty() => Disposal::Unsaid,
            Some(_) => Disposal::Disposable,
            None => Disposal::Permanent,
        }
    }

    /// The stamps of new resources, if the stack is disposable: the latest expiry in it, or that of a stack that is born now.
    pub(crate) fn birth(&self, live_stack: &LiveStack, clock: &Clock) -> Option<Birth> {
        let is_disposable = self.disposal() == Disposal::Disposable && live_stack.may_be_disposable(&up_kinds::model);
        let ttl = self.ttl.filter(|_| is_disposable)?;
        let born = || clock.now().checked_add(ttl).ok();
        Some(Birth { expires: expiry_of(live_stack).or_else(born)?, clock: clock.clone() })
    }

    /// What keeps the stack from being swept, though its file says that it is disposable.
    pub(crate) fn disposal_notice(&self, live_stack: &LiveStack) -> Option<Notice> {
        if self.disposal() != Disposal::Disposable {
            return None;
        }
        let stamps = live_stack.stamps(&up_kinds::model);
        let is_kept = |stamps: &Stamps| !stamps.is_disposable || stamps.expires.is_none();
        let kept: Vec<_> = stamps.iter().filter(|(_, stamps)| is_kept(stamps)).collect();
        let (first, _) = kept.first()?;
        let address = first.address(self.target().stack)?;
        let message = match live_stack.may_be_disposable(&up_kinds::model) {
            false => "the stack was not created as disposable, and nothing makes it so: `disposable` and `ttl` have no effect, \
                      and `sweep` keeps it"
                .to_owned(),
            true => format!(
                "{} of {} resources of this disposable stack have lost the tag `{}` or `{}`: `sweep` keeps the stack",
                kept.len(),
                stamps.len(),
                Stamps::DISPOSABLE_TAG,
                Stamps::EXPIRES_TAG
            ),
        };
        Some(Notice { address, message })
    }

    /// What the user should know about the expiry before the plan is applied.
    pub(crate) fn expiry_remark(&self, live_stack: &LiveStack, now: Timestamp) -> Option<String> {
        let expires = expiry_of(live_stack).filter(|_| self.disposal() == Disposal::Disposable)?;
        let stack = self.target().stack;
        if expires <= now {
            return Some(format!(
                "the stack expired at {expires:.0}, and the next `sweep` may destroy it: `bullstra-up extend {stack} +12h` \
                 lets it live longer"
            ));
        }
        self.is_given_ttl.then(|| {
            format!(
                "`--ttl` counts when a stack is created: this one exists, and expires at {expires:.0}; \
                 `bullstra-up extend {stack} +4h` lets it live longer"
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamps(is_disposable: bool, expires: Option<i64>) -> Stamps {
        let expires = expires.map(|second| Timestamp::from_second(second).unwrap());
        Stamps { is_disposable, expires, created: None }
    }

    #[test]
    fn the_latest_stamp_counts() {
        let all = [stamps(true, Some(10)), stamps(true, Some(30)), stamps(true, None), stamps(false, Some(90))];
        assert_eq!(expiry(&all), Some(Timestamp::from_second(30).unwrap()));
        assert_eq!(expiry(&[stamps(true, None)]), None);
    }
}
