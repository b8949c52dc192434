//! What a command about live resources needs: the stack, AWS, its history, and what is there.

mod access;
mod aws;
mod costly;
pub(crate) mod history;
mod mfa;
mod profile;
mod settle;
mod signer;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    path::Path,
    sync::Arc,
    time::Duration,
};

use up_apply::{Children, ObserveError, Observer};
use up_core::{Address, AnyKind, Context, Declared, Index, Meter, is_foreign_tag};
use up_kinds::Identity;
use up_plan::World;
use up_stack::{Diagnostics, Role, Stack};
use up_state::{Ids, Last, Past, Place, State, StateError};

use self::{aws::Target, signer::Signer};
pub(crate) use self::{history::unusable, signer::Life};
use crate::{
    cli::{AwsOptions, InputOptions, RequestLimits, StackOptions, StateOptions},
    exit::{Exit, Failure},
    render::{self, Word},
    secrets, terminal,
};

/// The account that the sandbox's resources are in.
const SANDBOX_ACCOUNT: &str = "123456789012";

/// A stack's name and where it may live: all that reaching AWS for it takes.
#[derive(Debug, Clone)]
pub(crate) struct Home<'a> {
    /// The stack's name.
    pub(crate) stack: &'a str,
    /// Its own region.
    pub(crate) region: &'a str,
    /// The accounts it may touch; any, where there are none.
    pub(crate) accounts: &'a [String],
    /// The role that its calls are made as.
    pub(crate) role: Option<&'a Role>,
    /// The bucket of its state, if it names one.
    pub(crate) backend: Option<&'a Place>,
}

/// AWS, reached and checked, and the stack's history.
#[derive(Debug)]
pub(crate) struct Session {
    /// Clients, the account and the region.
    pub(crate) cx: Arc<Context>,
    /// The stack's history.
    pub(crate) state: State,
    /// Where that is kept.
    pub(crate) place: Place,
    signer: Signer,
    stack: String,
    settle: Duration,
}

/// What a stack owns.
#[derive(Debug)]
pub(crate) struct View {
    /// Looks again.
    pub(crate) observer: Observer,
    /// What was seen.
    pub(crate) world: World,
    /// What earlier runs left behind, as far as it is of this account and region.
    pub(crate) past: Past,
}

/// Reads and checks a stack's files. Where it is for AWS, `aws` may say for which region.
pub(crate) fn load(options: &StackOptions, aws: &AwsOptions) -> Result<Stack, Failure> {
    read(&options.stack, &options.inputs, aws)
}

/// The same, for a path that may have been something else.
pub(crate) fn read(path: &Path, inputs: &InputOptions, aws: &AwsOptions) -> Result<Stack, Failure> {
    check(path, inputs, aws).map_err(|wrong| {
        let count = if wrong.len() == 1 { "1 error".to_owned() } else { format!("{} errors", wrong.len()) };
        let last = render::message(Word::Error, &format!("{count} in {}", path.display()));
        Failure::page(Exit::Input, format!("{}\n\n{last}", wrong.coloured()))
    })
}

/// The same, with what is wrong as data.
pub(crate) fn check(path: &Path, inputs: &InputOptions, aws: &AwsOptions) -> Result<Stack, Diagnostics> {
    let set = inputs.set.iter().map(|setting| (setting.name.clone(), setting.value.clone())).collect();
    // What is not text cannot be the value of an input.
    let env =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let account = aws.sandbox.then(|| SANDBOX_ACCOUNT.to_owned());
    let allow = inputs.allow_path.clone();
    let options = up_stack::Options { set, env: env.collect(), region: aws.region.clone(), account, allow };
    let loaded = up_stack::load(path, &up_kinds::all(), &options);
    // What is wrong may be the value of a sensitive input.
    secrets::keep(loaded.as_ref().map_or_else(Diagnostics::secrets, |stack| &stack.secrets));
    if secrets::are_known() {
        secrets::note(loaded.as_ref().map_or(&[], |stack| &stack.resources));
    }
    loaded
}

impl<'a> Home<'a> {
    /// Where a stack that has been loaded lives.
    pub(crate) fn of(stack: &'a Stack) -> Self {
        let Stack { name, region, accounts, role, backend, .. } = stack;
        Self { stack: name, region, accounts, role: role.as_ref(), backend: backend.as_ref() }
    }
}

impl Session {
    /// Reaches AWS as `aws` says, and makes sure that it is an account which the stack may touch. Every call is counted
    /// by `meter`.
    pub(crate) async fn open(
        home: &Home<'_>,
        aws: &AwsOptions,
        state: &StateOptions,
        meter: Meter,
    ) -> Result<Self, Failure> {
        history::check(home.stack)?;
        let target = target(home, aws).await?;
        let signer = Signer::new(&target, &meter).await?;
        let (config, gate) = aws::gated(&signer.config, &meter);
        let identity = up_kinds::identity(&config, &meter)
            .await
            .map_err(|error| access::unknown_caller(&error, &target, config.endpoint_url(), signer.sso.as_deref()))?;
        let Identity { account, arn } = &identity;
        tracing::info!(account, arn, region = target.region, life = ?signer.life(), "signed in");
        guard(home, &target, &identity)?;
        // Elsewhere than at AWS other limits hold, or none.
        let is_aws = config.endpoint_url().is_none();
        if aws.request_limits.map_or(is_aws, |limits| limits == RequestLimits::Aws) {
            gate.keep(&up_limits::Place { account: identity.account.clone(), region: target.region.clone() });
        }
        let place = history::place(home, state);
        let state = history::open(&place, home.stack, &config, &meter)?;
        let cx = Arc::new(Context::new(config, identity.account, meter).around_calls(gate));
        Ok(Self { cx, state, place, signer, stack: home.stack.to_owned(), settle: aws.settle })
    }

    /// How long the credentials last.
    pub(crate) fn life(&self) -> Life {
        self.signer.life()
    }

    /// Looks at everything the stack owns, `declared` or not. Attributes that cost a call are read where `declared` or
    /// `outputs` name them.
    pub(crate) async fn look(
        &self,
        declared: &[Declared],
        outputs: &BTreeMap<String, up_stack::Output>,
    ) -> Result<View, Failure> {
        let past = self.past()?;
        let index = up_kinds::index(&self.cx, &self.stack)
            .await
            .map_err(|error| access::refused("to list what the stack owns", &error, &["tag:GetResources"]))?;
        let needed = needed(declared, &past, &index);
        let (asked, costly) = costly::parted(Observer::asked(declared, outputs.values().map(|output| &output.value)));
        let mut observer = Observer {
            cx: self.cx.clone(),
            stack: self.stack.clone(),
            index: Arc::new(index),
            known: all_known(&past).into(),
            asked: asked.into(),
            desired: Observer::desired(declared, &up_kinds::find).into(),
            children: children(declared, &past)?.into(),
            names: Observer::names(declared, &up_kinds::find).into(),
            kept: past.snapshot.as_ref().map(|snapshot| snapshot.kept.clone()).unwrap_or_default(),
        };
        let kinds = kinds(&needed, &past);
        let (mut world, spared) = observer.world(&kinds, &needed).await.map_err(|errors| access::unseen(&errors))?;
        if let Some(snapshot) = past.snapshot.as_ref().filter(|snapshot| secrets::may_stand_in(snapshot.text())) {
            secrets::note(&snapshot.declared().map_err(unusable)?);
        }
        if let Some(snapshot) = past.snapshot.as_ref().filter(|_| has_unknown_tags(&world, declared, &self.stack)) {
            let before = snapshot.declared().map_err(unusable)?.into_iter();
            world.tagged = before.map(|it| (it.address, it.tags.into_keys().collect())).collect();
        }
        if declared.iter().any(|declared| !declared.ignore_changes.is_empty()) {
            world.unfinished = unfinished(&world, &past, &self.stack).map_err(unusable)?;
        }
        if let Some(snapshot) = past.snapshot.as_ref().filter(|_| has_undeclared(&world, declared, &self.stack)) {
            let before = snapshot.declared().map_err(unusable)?;
            world.named = before.iter().map(|it| (it.address.clone(), it.named())).collect();
        }
        if let Some(snapshot) =
            past.snapshot.as_ref().filter(|_| declared.iter().any(|it| has_write_only(&it.address.kind)))
        {
            let before = snapshot.declared().map_err(unusable)?.into_iter();
            let written = before.filter(|it| has_write_only(&it.address.kind));
            world.written = written.map(|it| (it.address, it.spec)).collect();
        }
        if secrets::are_declared() {
            for (_, observed) in world.iter() {
                if let Some(address) = observed.address(&self.stack) {
                    secrets::observed(&address, &observed.spec);
                }
            }
        }
        if !spared.is_empty() {
            terminal::say(render::message(Word::Warning, &not_searched(&spared)));
        }
        settle::settle(&observer, &mut world, &past, self.settle).await.map_err(|error| access::unseen(&[error]))?;
        let looked = costly::look(&mut observer, &mut world, declared, costly).await;
        looked.map_err(|error| access::unseen(&[error]))?;
        Ok(View { observer, world, past })
    }

    /// What earlier runs left behind here: the same stack elsewhere has other resources.
    fn past(&self) -> Result<Past, Failure> {
        let Past { snapshot, cut_off, warnings } = self.state.past().map_err(unusable)?;
        warnings.iter().for_each(|warning| terminal::say(render::message(Word::Warning, warning)));
        let is_here = |account: &str, region: &str| (account, region) == (self.cx.account(), self.cx.region());
        Ok(Past {
            snapshot: snapshot.filter(|past| is_here(&past.account, &past.region)),
            cut_off: cut_off.filter(|past| is_here(&past.account, &past.region)),
            warnings,
        })
    }
}

/// The kinds that something of the stack's is known to be of, or is to be of.
fn needed(declared: &[Declared], past: &Past, index: &Index) -> BTreeSet<String> {
    let tagged = index.iter().filter_map(|entry| Address::kind_in(entry.tags.get(Address::ADDRESS_TAG)?));
    let mut needed: BTreeSet<&str> = tagged.collect();
    needed.extend(declared.iter().map(|declared| declared.address.kind.as_str()));
    needed.extend(past.snapshot.iter().flat_map(|snapshot| snapshot.kinds()));
    needed.extend(past.cut_off.iter().flat_map(|run| run.kinds()));
    needed.into_iter().map(str::to_owned).collect()
}

/// The kinds to look at. Without a snapshot these are also those that the index cannot name: they may have resources that
/// were removed from the stack's files.
fn kinds(needed: &BTreeSet<String>, past: &Past) -> Vec<&'static dyn AnyKind> {
    let may_be_left = |kind: &dyn AnyKind| past.snapshot.is_none() && !kind.info().indexed;
    let is_only_left = |kind: &&dyn AnyKind| may_be_left(*kind) && !needed.contains(kind.name());
    let left: Vec<_> = up_kinds::all().into_iter().filter(is_only_left).map(AnyKind::name).collect();
    if !left.is_empty() {
        tracing::info!(
            kinds = left.join(", "),
            "no record of earlier runs: looking for leftovers that the tagging index cannot list"
        );
    }
    up_kinds::all().into_iter().filter(|kind| may_be_left(*kind) || needed.contains(kind.name())).collect()
}

/// Addresses of what earlier runs made and did not finish: they are known, and not among what was applied.
fn unfinished(world: &World, past: &Past, stack: &str) -> Result<BTreeSet<Address>, StateError> {
    let applied = past.snapshot.as_ref().map(Last::declared).transpose()?.unwrap_or_default();
    let applied: HashSet<Address> = applied.into_iter().map(|declared| declared.address).collect();
    let is_known = |kind: &str, id: &str| world.known.get(kind).is_some_and(|ids| ids.contains(id));
    let known = world.iter().filter(|(kind, observed)| is_known(kind, &observed.id));
    Ok(known.filter_map(|(_, observed)| observed.address(stack)).filter(|address| !applied.contains(address)).collect())
}

/// True where something is there that is to be deleted: how it was declared tells what goes first.
fn has_undeclared(world: &World, declared: &[Declared], stack: &str) -> bool {
    let declared: BTreeSet<_> = declared.iter().map(|declared| &declared.address).collect();
    world.iter().filter_map(|(_, observed)| observed.address(stack)).any(|address| !declared.contains(&address))
}

/// True where a resource carries a tag that is neither declared nor AWS's: whether the stack set it, its history tells.
fn has_unknown_tags(world: &World, declared: &[Declared], stack: &str) -> bool {
    let declared: HashMap<_, _> = declared.iter().map(|declared| (&declared.address, &declared.tags)).collect();
    world.iter().any(|(_, observed)| {
        let known = |key: &str| key == "Name" || key.starts_with("bullstra:") || is_foreign_tag(key);
        let mut unknown = observed.tags.keys().filter(|key| !known(key)).peekable();
        if unknown.peek().is_none() {
            return false;
        }
        let tags = observed.address(stack).and_then(|address| declared.get(&address).copied());
        tags.is_some_and(|tags| unknown.any(|key| !tags.contains_key(key)))
    })
}

/// Kinds of which nothing is known, and which could not be looked at: a role without the right to, say.
fn not_searched(spared: &[ObserveError]) -> String {
    let kinds = spared.iter().map(|failure| failure.kind).collect::<Vec<_>>().join(", ");
    let errors: BTreeSet<_> = spared.iter().map(|failure| failure.error.code.as_str()).collect();
    let errors = errors.into_iter().collect::<Vec<_>>().join(", ");
    format!(
        "there is no record of earlier runs here, so leftovers were looked for, and these kinds could not be read \
         ({errors}): {kinds}"
    )
}

/// Ids that earlier runs knew of, by kind; a kind may come twice.
fn known(past: &Past) -> impl Iterator<Item = (&String, &BTreeSet<String>)> {
    let kept = past.snapshot.iter().map(|past| &past.ids);
    kept.chain(past.cut_off.iter().map(|run| &run.made)).flatten()
}

/// True for a kind with values that AWS never shows.
fn has_write_only(kind: &str) -> bool {
    up_kinds::find(kind).is_some_and(|kind| kind.fields().iter().any(|field| field.is_write_only))
}

/// The stack's resources that take no tags: those declared, and those that the last apply has left.
fn children(declared: &[Declared], past: &Past) -> Result<Children, Failure> {
    let is_child = |kind: &str| up_kinds::find(kind).is_some_and(|kind| kind.info().parent.is_some());
    let snapshot = past.snapshot.as_ref().filter(|_| known(past).any(|(kind, _)| is_child(kind)));
    let applied = snapshot.map(|snapshot| snapshot.declared().map_err(unusable)).transpose()?.unwrap_or_default();
    Ok(Children::new(declared, &applied, &up_kinds::find))
}

/// The same, together.
fn all_known(past: &Past) -> BTreeMap<String, Arc<BTreeSet<String>>> {
    let mut all = Ids::new();
    for (kind, ids) in known(past) {
        all.entry(kind.clone()).or_default().extend(ids.iter().cloned());
    }
    all.into_iter().map(|(kind, ids)| (kind, ids.into())).collect()
}

/// A stack's history and where it is, without a look at whose account it is.
pub(crate) async fn state(home: &Home<'_>, aws: &AwsOptions, state: &StateOptions) -> Result<(Place, State), Failure> {
    history::check(home.stack)?;
    let place = history::place(home, state);
    if let Place::Folder(folder) = &place {
        let state = State::in_folder(folder, home.stack).map_err(unusable)?;
        return Ok((place, state));
    }
    let meter = Meter::default();
    let signer = Signer::new(&target(home, aws).await?, &meter).await?;
    let state = history::open(&place, home.stack, &signer.config, &meter)?;
    Ok((place, state))
}

async fn target(home: &Home<'_>, aws: &AwsOptions) -> Result<Target, Failure> {
    let AwsOptions { region, profile, role_arn, mfa_token, endpoint_url, sandbox, .. } = aws.clone();
    let endpoint_url = if sandbox { Some(crate::commands::sandbox::running().await?) } else { endpoint_url };
    let region = region.unwrap_or_else(|| home.region.to_owned());
    let stacks = home.role.cloned();
    let role = match role_arn {
        // An external id says who asks, whichever role is asked for.
        Some(arn) => Some(Role { arn, external_id: stacks.and_then(|role| role.external_id) }),
        None => stacks,
    };
    // In the sandbox there are no roles but those that are made there, and nobody to keep out.
    let role = role.filter(|_| !sandbox);
    Ok(Target { region, profile, role, mfa_token, endpoint_url, is_sandbox: sandbox })
}

/// Refuses an endpoint that no call could be sent to.
fn usable(url: Option<&str>) -> Result<(), Failure> {
    let Some(url) = url.filter(|url| !is_url(url)) else { return Ok(()) };
    let failure = Failure::new(Exit::Input, format!("`{url}` cannot be an endpoint"));
    Err(failure.hint("it is written like `http://localhost:4566`, in `--endpoint-url` or AWS_ENDPOINT_URL"))
}

fn is_url(text: &str) -> bool {
    let host = ["http://", "https://"].iter().find_map(|scheme| text.strip_prefix(scheme));
    host.is_some_and(|host| !host.is_empty() && !host.starts_with(['/', ':']) && !text.contains(char::is_whitespace))
}

/// Refuses accounts that the stack does not name. In the sandbox there is only one, and nothing to lose.
fn guard(home: &Home<'_>, target: &Target, identity: &Identity) -> Result<(), Failure> {
    let Home { stack, accounts, .. } = home;
    if accounts.is_empty() || accounts.contains(&identity.account) {
        return Ok(());
    }
    if target.is_sandbox && identity.account == SANDBOX_ACCOUNT {
        let note = format!("in the sandbox, {SANDBOX_ACCOUNT} stands for the stack's account {}", accounts.join(", "));
        terminal::say(render::message(Word::Note, &note));
        return Ok(());
    }
    Err(access::wrong_account(identity, stack, accounts, target.role.is_some()))
}
