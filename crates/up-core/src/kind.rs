//! The heart: one trait, one file per kind that implements it.

use std::{fmt, future::Future, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{Address, Context, Created, NewResource, Observed, Query, Result, Service, TagChange, Unique, placeholder};

/// One kind of AWS resource.
///
/// The implementing struct *is* the spec: what the user writes in TOML, and also the shape a live resource is read
/// back into, so that the two compare field by field.
pub trait Kind: Spec {
    /// The TOML table, the graph label, the docs page: `ec2.vpc`. Where others refer to it, its name in
    /// [`crate::names`].
    const NAME: &'static str;
    /// The service that it is of.
    const SERVICE: &'static Service;
    /// Facts about the kind that are not code.
    const INFO: KindInfo;

    /// Reads the resources of this kind that `query` asks for ([`Query::select`]), in as few calls as AWS allows.
    ///
    /// It may return more: the engine decides what is the stack's. A deleted resource is left out even if AWS still
    /// describes it. References are read back as [`crate::Ref::id`]. Where a resource takes calls of its own, kinds ask
    /// [`Query::wants`], [`Query::may_match`] or [`Query::accepts`] before they spend them.
    fn observe(cx: &Context, query: &Query) -> impl Future<Output = Result<Vec<Observed<Self>>>> + Send;

    /// Makes the smallest thing that carries our tags, and returns what AWS's answer tells of it: all that a read would show
    /// ([`Created::Observed`]), or only its id. Where AWS answers a client token with what it made the first time, which may
    /// be deleted since, it is the id.
    ///
    /// Whatever one call cannot set is left for [`Kind::update`]: a crash in between is the same as a drift. The doc comment
    /// of each create says why it is safe to repeat.
    fn create(&self, cx: &Context, new: &NewResource) -> impl Future<Output = Result<Created<Self>>> + Send;

    /// Moves `observed` to `self`, changing only what differs. Called only when a field that may change in place differs.
    fn update(&self, cx: &Context, observed: &Observed<Self>) -> impl Future<Output = Result<()>> + Send;

    /// Changes tags, with the calls that its service has for all its kinds ([`Service::tagging`]). Kinds that take others have a
    /// `tag` of their own.
    fn tag(cx: &Context, observed: &Observed<Self>, change: &TagChange) -> impl Future<Output = Result<()>> + Send {
        async move { Self::SERVICE.tag(cx, &observed.id, &observed.attrs, change).await }
    }

    /// Removes it, with what only exists because of it. What AWS answers of a resource that is gone already is given back as
    /// it is ([`crate::ErrorKind::NotFound`]). Still held is [`crate::ErrorKind::Conflict`], after which the engine tries again,
    /// or [`crate::ErrorKind::Held`], where a resource outside the stack holds it. See [`KindInfo::deletes_at_once`].
    fn delete(cx: &Context, observed: &Observed<Self>) -> impl Future<Output = Result<()>> + Send;

    /// What one resource of the kind has at a time: a port, a priority, addresses. The plan lets one resource take it only
    /// after another of the stack has released it, and replaces delete-first what would share it with its replacement.
    /// Fields marked `name` need not be told, unless the name is unique only inside another resource.
    fn unique(&self) -> Vec<Unique> {
        Vec::new()
    }

    /// What distinguishes it among the children of its parent ([`KindInfo::parent`]), in text that AWS shows as it was sent.
    /// `None` for kinds that are known by their tags, and where it holds a placeholder.
    fn natural_key(&self) -> Option<String> {
        None
    }

    /// Rules the types cannot state, checked before any call. Text may hold marks ([`crate::placeholder`]) whose content is
    /// not known yet.
    fn check(&self) -> Vec<Problem> {
        Vec::new()
    }

    /// The spec to compare with `observed` and to send: `self`, with the live value in the place of its own where AWS moves a
    /// value by itself and the move is no difference (a minor version that AWS has upgraded, storage that has grown), or
    /// where AWS spells the same value in another way. `observed` names the stack's resources as `self` does.
    #[must_use]
    fn accept(self, _seen: &Observed<Self>) -> Self {
        self
    }

    /// What AWS moves in other resources of the stack because of this one, as paths into them: the weights of a rule, where a
    /// deployment shifts requests. Once they exist, the live values stay, as if `ignore_changes` named them.
    fn moves(&self) -> Vec<(Address, &'static str)> {
        Vec::new()
    }

    /// What AWS is known to refuse of the change from `observed` to `self`, or of making `self` where nothing is seen, with the
    /// way out: an older version, storage that shrinks. It is asked when a plan is made, and such a plan is not carried out.
    fn refuses(&self, _seen: Option<&Observed<Self>>, _about: Asked<'_>) -> Vec<Problem> {
        Vec::new()
    }

    /// A checked spec in the form in which [`Kind::observe`] reads it back, where a user may say the same in several ways, or
    /// leaves a choice to other fields. Called again once marks are filled in.
    #[must_use]
    fn normal(self) -> Self {
        self
    }

    /// What a user should know of a spec beside the changes it plans: sentences without a full stop. Marks in it may be
    /// unanswered; with answers there may be less to say, never more.
    fn remarks(_spec: &Value) -> Vec<String> {
        Vec::new()
    }

    /// Rules between resources of this kind in one stack, such as "subnets of one network do not overlap".
    fn check_together<'a>(_all: impl Iterator<Item = (&'a Address, Self)>) -> Vec<(Address, Problem)> {
        Vec::new()
    }
}

/// Answers what is known of another resource of the stack before anything is changed: an attribute of the live one, or a
/// field of the declared one, see [`text_at`].
pub type Asked<'a> = &'a dyn Fn(&Address, &str) -> Option<String>;

/// The text of a field, or of a key in a field that is a map: `parameters.log_output`.
pub fn text_at(spec: &Value, path: &str) -> Option<String> {
    let value = match path.split_once('.') {
        Some((field, key)) => spec.get(field)?.get(key)?,
        None => spec.get(path)?,
    };
    value.as_str().filter(|text| !placeholder::has_placeholder(text)).map(str::to_owned)
}

/// The typed half of a TOML table. Implemented by `#[spec]` ([`crate::spec`]).
pub trait Spec: Serialize + DeserializeOwned + JsonSchema + Clone + Send + Sync + 'static {
    /// What a change to each field costs, in the order of the struct.
    const FIELDS: &'static [Field];
}

/// What a change to one field costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// AWS changes it in place. The default.
    Update,
    /// A new resource takes its place.
    Replace,
    /// Used at birth, never compared again (a snapshot to restore from).
    Initial,
    /// The name AWS knows it by, when the user gives one: a change replaces it; and because two cannot share a name, a
    /// replacement for another reason that keeps the name deletes the old one first.
    Name,
}

/// One row of [`Spec::FIELDS`].
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// The field's name, in TOML and in JSON.
    pub name: &'static str,
    /// What a change to it costs.
    pub change: Change,
    /// Its references bind `update` but not `create`: that is how two security groups may name each other.
    pub deferred: bool,
    /// Whether its references keep AWS from deleting their targets.
    pub binding: Binding,
    /// A set whose members other resources of the stack use through this one: a member is removed only after these have been
    /// changed or deleted.
    pub is_shared: bool,
    /// AWS takes a value and never shows it again. It is compared by a salted fingerprint that the state keeps, and sent by
    /// every update; it never reaches a plan, a log, the state or an error.
    pub is_write_only: bool,
    /// All its targets are inside one resource (subnets in their VPC), and an update cannot move it to targets inside another
    /// one: then it is replaced.
    pub is_confined: bool,
}

impl Field {
    /// A field of which nothing else is said.
    pub const fn new(name: &'static str, change: Change) -> Self {
        Self {
            name,
            change,
            deferred: false,
            binding: Binding::Firm,
            is_shared: false,
            is_write_only: false,
            is_confined: false,
        }
    }
}

/// Whether the references in a field keep AWS from deleting their targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Binding {
    /// They do, and an update only exchanges them.
    Firm,
    /// They do, and an update can remove them without others in their place: items of a list that may be empty.
    Detachable,
    /// They do not: AWS deletes a target that such a field refers to.
    Loose,
}

/// A rule that a spec breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The field to point at, with a path inside it where there is one: `ingress[0].ports`. Empty: the whole resource.
    pub field: String,
    /// What is wrong and what was expected, lower-case, without a full stop.
    pub message: String,
}

impl Problem {
    /// A rule that `field` breaks.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }

    /// A rule that `field` breaks, if it does.
    pub fn when(is_broken: bool, field: impl Into<String>, message: impl Into<String>) -> Option<Self> {
        is_broken.then(|| Self::new(field, message))
    }

    /// A rule that `field` breaks where its text has another form than expected: `a name is 1 to 255 letters`. A text that is
    /// not known yet may have any.
    pub fn unless_form<'a>(
        field: impl Into<String>,
        text: impl Into<Option<&'a String>>,
        is_right: impl FnOnce(&str) -> bool,
        expected: impl fmt::Display,
    ) -> Option<Self> {
        let text = text.into().filter(|text| !placeholder::has_placeholder(text) && !is_right(text))?;
        Some(Self::new(field, format!("{expected}, and this is `{text}`")))
    }

    /// Those of some rules that a spec breaks. Each row says whether it does, the field to point at, and what is wrong.
    pub fn broken<M: Into<String>>(rules: impl IntoIterator<Item = (bool, &'static str, M)>) -> Vec<Self> {
        rules.into_iter().filter_map(|(is_broken, field, message)| Self::when(is_broken, field, message)).collect()
    }
}

/// Facts about a kind that are not code.
#[derive(Debug, Clone, Copy)]
pub struct KindInfo {
    /// Its CloudFormation type: a test compares our field policies with AWS's own schema.
    pub cloudformation: &'static str,
    /// The calls it makes, as IAM actions, and those that AWS makes in the caller's name (the "dependent actions" of AWS's
    /// Service Authorization Reference): a role that may do all of these may manage the kind.
    pub actions: Actions,
    /// Attributes that `${kind.name.attribute}` may read, beside `id`. All are there once it is ready.
    pub attrs: &'static [&'static str],
    /// Those of them that take a call for each resource: they are there only while a step may need them, see
    /// [`crate::Query::reads`].
    pub costly: &'static [&'static str],
    /// Length of the longest name AWS takes for it, 0 where AWS names it itself; see [`Address::physical`].
    pub longest_name: usize,
    /// True where AWS takes two names for one that differ in nothing but case.
    pub names_ignore_case: bool,
    /// True where losing it loses data: `protect` then refuses to delete or replace it.
    pub holds_data: bool,
    /// True where AWS makes another one each time a create is sent: it takes no client token, and no name keeps it
    /// single. A create whose answer is lost is then looked for before it is sent again.
    pub non_idempotent_create: bool,
    /// True where AWS must be asked for what the stack declares of a resource, because no list shows it: see
    /// [`Query::desired`].
    pub reads_desired: bool,
    /// True where a create sends a client token. AWS answers a token that it knows with what it made the first time, even if
    /// that has been deleted since. What is answered and does not show for as long as AWS may take to show it is noted
    /// ([`Context::is_lost`]), and the create is sent again: it then takes another token.
    pub client_token: bool,
    /// True where AWS, or a user's tool, copies a resource's tags to another of the same kind (a database restored from a
    /// snapshot, a task definition that CI registers anew): tags alone do not say that the stack made it.
    pub tags_travel: bool,
    /// What AWS takes as tags of it.
    pub tags: TagRules,
    /// For a kind whose resources take no tags: the field that refers to the parent, a resource of the stack. Such a child is
    /// known by its parent and by its [`Kind::natural_key`]; what AWS shows beside those that the stack declares, or has
    /// applied before, is left alone. A replacement deletes the old child first.
    pub parent: Option<&'static str>,
    /// True where the account's tagging index lists its resources: without a history, kinds that the stack does not declare
    /// are looked at only where the index names one of them, or cannot.
    pub indexed: bool,
    /// True where a resource is gone once AWS has answered its delete: it need not be looked for.
    pub deletes_at_once: bool,
    /// True where nothing changes of one but its tags, and whether it is there: what was seen once is kept with the stack's
    /// history, and AWS need not be asked again. See [`Query::kept`].
    pub immutable: bool,
    /// What a live one stands in, and AWS does not move it out of: an attribute that lists ids, separated by commas, and
    /// their kind. While it stays, none of them can be deleted.
    pub occupies: Option<(&'static str, &'static str)>,
    /// Which half of a replacement comes first. Where the two cannot stand side by side ([`Kind::unique`]), the old one
    /// goes first whatever this says.
    pub replace: Order,
    /// How to wait for it.
    pub wait: Wait,
    /// How long AWS usually takes; for estimates and for the order of work.
    pub takes: Takes,
}

impl KindInfo {
    /// What most kinds share.
    pub const DEFAULT: Self = Self {
        cloudformation: "",
        actions: Actions { observe: &[], create: &[], update: &[], tag: &[], delete: &[] },
        attrs: &[],
        costly: &[],
        longest_name: 0,
        names_ignore_case: false,
        holds_data: false,
        non_idempotent_create: false,
        reads_desired: false,
        client_token: false,
        tags_travel: false,
        tags: TagRules { any_character: false, ignores_case: false },
        parent: None,
        indexed: true,
        deletes_at_once: false,
        immutable: false,
        occupies: None,
        replace: Order::CreateBeforeDestroy,
        wait: Wait { every: Duration::from_secs(2), at_most: Duration::from_secs(300) },
        takes: Takes::DEFAULT,
    };
}

/// What AWS takes as tags of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TagRules {
    /// True where keys and values may hold any character. Most services take letters, digits, spaces and `_ . : / = + - @`.
    pub any_character: bool,
    /// True where keys that differ in nothing but case are one key: IAM's roles and users.
    pub ignores_case: bool,
}

impl TagRules {
    /// EC2's: any character.
    pub const FREE: Self = Self { any_character: true, ignores_case: false };
    /// Those of IAM's roles and users.
    pub const WITHOUT_CASE: Self = Self { any_character: false, ignores_case: true };
}

/// IAM actions by what they are for: `ec2:DescribeVpcs`.
#[derive(Debug, Clone, Copy)]
pub struct Actions {
    /// Needed by every command.
    pub observe: &'static [&'static str],
    /// Needed to create one, its tags included.
    pub create: &'static [&'static str],
    /// Needed to change one in place.
    pub update: &'static [&'static str],
    /// Needed to change its tags.
    pub tag: &'static [&'static str],
    /// Needed to delete one.
    pub delete: &'static [&'static str],
}

/// The rules that a spec breaks, as a list of [`Problem`]s. A row says when one is broken, the field, and what to tell, as
/// [`format!`] takes it.
///
/// ```
/// # let (size, most) = (20, 21);
/// let problems = up_core::problems! {
///     size < 20 => "size", "20 GiB are the least";
///     most < size + 2 => "most", "{most} GiB leave no room to grow from {size}";
/// };
/// assert_eq!(problems, [up_core::Problem::new("most", "21 GiB leave no room to grow from 20")]);
/// ```
#[macro_export]
macro_rules! problems {
    ($($is_broken:expr => $field:expr, $message:literal $(, $part:expr)*;)+) => {{
        let mut problems = Vec::new();
        $(if $is_broken { problems.push($crate::Problem::new($field, format_args!($message $(, $part)*).to_string())) })+
        problems
    }};
}

/// IAM actions, by service: `actions!(rds: CreateDBInstance AddTagsToResource, iam: PassRole)`.
#[macro_export]
macro_rules! actions {
    ($($service:ident: $($action:ident)+),* $(,)?) => {
        &[$($(concat!(stringify!($service), ":", stringify!($action))),+),*]
    };
}

/// Which half of a replacement comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// The new one is made, what refers to it moves over, the old one goes. Nothing is ever without it.
    CreateBeforeDestroy,
    /// The old one goes first, because two cannot stand side by side.
    DestroyBeforeCreate,
}

/// How to wait for a kind.
#[derive(Debug, Clone, Copy)]
pub struct Wait {
    /// Pause between two looks, once the first few quick ones have not been enough.
    pub every: Duration,
    /// After which waiting is given up and reported as a failure.
    pub at_most: Duration,
}

/// How long AWS usually takes.
#[derive(Debug, Clone, Copy)]
pub struct Takes {
    /// From the create call until it is ready.
    pub create: Duration,
    /// From an update call until AWS has carried it out, of most fields.
    pub update: Duration,
    /// The same of fields whose changes take another time: `("engine_version", …)`.
    pub fields: &'static [(&'static str, Duration)],
    /// From the delete call until it is gone.
    pub delete: Duration,
}

impl Takes {
    /// What AWS does at once.
    pub const DEFAULT: Self = Self {
        create: Duration::from_secs(2),
        update: Duration::from_secs(2),
        fields: &[],
        delete: Duration::from_secs(1),
    };

    /// How long it takes to change these fields: as long as the slowest. Tags alone take no time.
    pub fn changing<'a>(&self, changed: impl Iterator<Item = &'a str>) -> Duration {
        let of = |changed: &str| self.fields.iter().find(|(field, _)| *field == changed).map_or(self.update, |it| it.1);
        changed.map(of).max().unwrap_or(Self::DEFAULT.update)
    }
}
