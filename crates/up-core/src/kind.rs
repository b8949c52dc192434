//! The contract of a kind: one trait, implemented in one file for each kind.

use std::future::Future;

use serde_json::Value;

use crate::{
    Address, Asked, Context, Created, DeleteRemark, KindInfo, Leaving, NewResource, Observed, Problem, Query, Result,
    Service, Spec, TagChange, Unique,
};

/// One kind of AWS resource.
///
/// The implementing struct *is* the spec: what the user writes in TOML, and also the form in which a live resource is
/// read, so that the two can be compared field by field.
pub trait Kind: Spec {
    /// The name in TOML tables, graphs and docs: `ec2.vpc`. If other kinds refer to it, the name from [`crate::names`].
    const NAME: &'static str;
    /// The service of the kind.
    const SERVICE: &'static Service;
    /// Properties of the kind.
    const INFO: KindInfo;

    /// Reads the resources of this kind that `query` selects ([`Query::select`]), in as few calls as AWS allows.
    ///
    /// It may return more: the engine decides which belong to the stack. A deleted resource is left out even if AWS
    /// still describes it. References are returned as [`crate::Ref::id`]. Kinds check [`Query::wants`],
    /// [`Query::may_match`] or [`Query::accepts`] before they make calls for a single resource.
    fn observe(cx: &Context, query: &Query) -> impl Future<Output = Result<Vec<Observed<Self>>>> + Send;

    /// Creates the resource with its tags in one call, and returns what AWS's answer shows: all that a read would show
    /// ([`Created::Observed`]), or only the id. It must be the id if AWS's answer to a known client token may describe
    /// a resource that has been deleted since.
    ///
    /// Fields that one call cannot set are left for [`Kind::update`]: a crash in between is handled like drift. The doc
    /// comment of each create says why it is safe to repeat.
    fn create(&self, cx: &Context, new: &NewResource) -> impl Future<Output = Result<Created<Self>>> + Send;

    /// Updates `observed` to `self` in place; changes only what differs. Called only if a field that can be changed in
    /// place differs.
    fn update(&self, cx: &Context, observed: &Observed<Self>) -> impl Future<Output = Result<()>> + Send;

    /// Changes tags, with the calls that its service has for all its kinds ([`Service::tagging`]). Kinds that take others have a
    /// `tag` of their own.
    fn tag(cx: &Context, observed: &Observed<Self>, change: &TagChange) -> impl Future<Output = Result<()>> + Send {
        async move { Self::SERVICE.tag(cx, &observed.id, &observed.attrs, change).await }
    }

    /// Deletes the resource, together with parts that exist only because of it. AWS's "not found" is returned as it is
    /// ([`crate::ErrorKind::NotFound`]). If the resource is still in use, the error is [`crate::ErrorKind::Conflict`],
    /// and the engine tries again; or [`crate::ErrorKind::Held`], if a resource outside the stack uses it. See
    /// [`KindInfo::deletes_at_once`].
    fn delete(cx: &Context, observed: &Observed<Self>) -> impl Future<Output = Result<()>> + Send;

    /// What the user should know before all of `leaving` is deleted: what others have in it or on it, and what is lost with
    /// it. Asked once by a destroy, before its first call that changes AWS, and under the permissions of the delete.
    /// Changes nothing; lists for all resources together where AWS can.
    fn before_delete(
        _cx: &Context,
        _leaving: &Leaving<'_, Self>,
    ) -> impl Future<Output = Result<Vec<DeleteRemark>>> + Send {
        async { Ok(Vec::new()) }
    }

    /// What AWS keeps of resources that have been deleted, and may charge for, such as snapshots: sentences without a full
    /// stop. Asked once by a destroy, after its last call, and under the permissions of the delete.
    fn kept(_cx: &Context, _deleted: &[Observed<Self>]) -> impl Future<Output = Result<Vec<String>>> + Send {
        async { Ok(Vec::new()) }
    }

    /// An observed spec, of a resource that is to be deleted without a trace: AWS keeps no final snapshot, for example. Asked
    /// for by a sweep.
    #[must_use]
    fn disposed(self) -> Self {
        self
    }

    /// Values that only one resource of the kind can have at a time: a port, a priority, an address range. The plan
    /// lets a resource take such a value only after another of the stack has released it, and replaces delete-first if
    /// old and new would share it. Fields marked `name` are included automatically; a kind returns them only if the
    /// name is unique within a parent.
    fn unique(&self) -> Vec<Unique> {
        Vec::new()
    }

    /// Identifies a child within its parent ([`KindInfo::parent`]), as text that AWS returns as it was sent. `None` for
    /// kinds that are identified by tags, and if the text holds a placeholder.
    fn natural_key(&self) -> Option<String> {
        None
    }

    /// Checks rules that the types cannot express, before any call. Text may hold placeholders ([`crate::placeholder`])
    /// whose values are not known yet.
    fn check(&self) -> Vec<Problem> {
        Vec::new()
    }

    /// The spec to compare with `observed` and to send: `self`, but with the live value where AWS changes a value by
    /// itself and that is no difference (an upgraded minor version, grown storage), or where AWS spells the same value
    /// in another way. `observed` refers to the stack's resources by address as `self` does.
    #[must_use]
    fn accept(self, _seen: &Observed<Self>) -> Self {
        self
    }

    /// Paths into other resources of the stack that AWS changes because of this one: the weights of a rule, when a
    /// deployment shifts requests. Once they exist, the live values stay, as if `ignore_changes` listed them.
    fn moves(&self) -> Vec<(Address, &'static str)> {
        Vec::new()
    }

    /// Changes from `observed` to `self` that AWS is known to reject, or creates of `self` if nothing is observed, with
    /// a remedy in the message: an older version, less storage. Called when a plan is made; a plan with such problems
    /// is not applied.
    fn refuses(&self, _seen: Option<&Observed<Self>>, _about: Asked<'_>) -> Vec<Problem> {
        Vec::new()
    }

    /// What of a change from `observed` to `self` takes effect only after something that no apply does, such as a reboot:
    /// sentences without a full stop, for the plan and for the end of the run.
    fn delays(&self, _seen: &Observed<Self>) -> Vec<String> {
        Vec::new()
    }

    /// The normal form of a checked spec, in which [`Kind::observe`] returns it, for kinds with several spellings of
    /// the same meaning. Called again after placeholders are filled in.
    #[must_use]
    fn normal(self) -> Self {
        self
    }

    /// Remarks on a spec for the user: sentences without a full stop. Placeholders may still be in it; filling them in
    /// must only remove remarks, never add one.
    fn remarks(_spec: &Value) -> Vec<String> {
        Vec::new()
    }

    /// Checks rules between resources of this kind in one stack, such as "subnets of one network do not overlap".
    fn check_together<'a>(_all: impl Iterator<Item = (&'a Address, Self)>) -> Vec<(Address, Problem)> {
        Vec::new()
    }
}
