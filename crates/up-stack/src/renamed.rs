//! `renamed_from`: the address that a resource, or the path that a module, had before.

use std::{collections::BTreeMap, rc::Rc};

use up_core::Address;

use crate::{
    declare::{Checked, Declaring},
    diagnostic::Complaint,
    file::Call,
    node::{Data, Node},
    scope::Scope,
    source::Place,
    value::{self, Fault},
    world::{Each, Instance, World},
};

/// Paths that an instance of a module had before.
#[derive(Default)]
pub(crate) struct Was {
    /// All of them, the likeliest first: its callers may have had others too.
    paths: Vec<String>,
    /// Those that it says itself, and where.
    said: Option<(Place, Vec<String>)>,
}

/// What a resource says that it was called, and where.
pub(crate) struct Renamed {
    place: Place,
    was: Vec<Address>,
}

const NAME: &str = "a name such as `old` or `old:key`, or an address such as `network/ec2.vpc.old:key`";
const MODULE: &str = "a name such as `old` or `old:key`, or a path such as `shop/old:key`";

impl World {
    /// Evaluates `renamed_from`; `None` where it is null or wrong, which has been reported.
    fn old_name(&self, scope: &Scope<'_>, node: Option<&Node>, expected: &str) -> Option<(Place, String)> {
        let node = scope.evaluate(node?);
        let Some(text) = node.text() else {
            if !matches!(node.data, Data::Null) {
                self.wrong_type(&node, expected);
            }
            return None;
        };
        if let Some(quote) = value::mark_in(&node.value()) {
            self.complain(Complaint::new(node.place, value::not_known(&quote)));
            return None;
        }
        Some((node.place, text.to_owned()))
    }

    /// Paths that the instance at `path` had before.
    pub(crate) fn module_was(&self, caller: &Rc<Instance>, call: &Call, each: Option<&Each>, path: &str) -> Was {
        let scope = Scope { each, ..Scope::new(self, caller) };
        let said =
            self.old_name(&scope, call.renamed_from.as_ref(), MODULE).and_then(|(place, text)| {
                match old_paths(&caller.path, &text, each) {
                    Some(old) if old.iter().all(|old| old == path) => {
                        self.complain(Complaint::new(place, format!("`{text}` is its own name")));
                        None
                    }
                    Some(old) => Some((place, old.into_iter().filter(|old| old != path).collect::<Vec<_>>())),
                    None => {
                        self.complain(Complaint::new(place, format!("`{text}` names no module")).expected(MODULE));
                        None
                    }
                }
            });
        let own_step = path.rsplit('/').next().unwrap_or(path);
        let inherited: Vec<String> = caller.was.paths.iter().map(|was| joined(was, own_step)).collect();
        let own = said.iter().flat_map(|(_, paths)| paths);
        let moved = caller.was.paths.iter().flat_map(|was| {
            let under = |old: &String| Some(joined(was, old.strip_prefix(&prefix(&caller.path))?));
            own.clone().filter_map(under)
        });
        let paths = moved.chain(own.clone().cloned()).chain(inherited).collect();
        Was { paths, said }
    }

    /// What is said to have been somebody's name must be nobody's now, and nobody else's before.
    pub(crate) fn check_renamed(&self, all: &[Checked]) {
        let is_declared = |was: &Address| all.binary_search_by(|checked| checked.declared.address.cmp(was)).is_ok();
        let mut claimed: BTreeMap<&Address, &Address> = BTreeMap::new();
        for Checked { declared, renamed, .. } in all {
            let Some(Renamed { place, was }) = renamed else { continue };
            if let Some(taken) = was.iter().find(|was| is_declared(was) && !has_moved_on(all, was)) {
                let message = format!("{}: `{taken}` is declared, so nothing was renamed from it", declared.address);
                self.complain(Complaint::new(*place, message).hint("name what it was called before".to_owned()));
            }
            let Some(first) = was.first() else { continue };
            if let Some(other) = claimed.insert(first, &declared.address) {
                let message = format!("{other} and {} cannot both have been {first}", declared.address);
                let hint = "with `for_each`, tell them apart: `\"old:${each.key}\"`".to_owned();
                self.complain(Complaint::new(*place, message).hint(hint));
            }
        }
        let instances = self.instances();
        for instance in &instances {
            let Some((place, said)) = &instance.was.said else { continue };
            if let Some(taken) = said.iter().find(|was| instances.iter().any(|other| other.path == **was)) {
                let message = format!("module `{taken}` is declared, so nothing was renamed from it");
                self.complain(Complaint::new(*place, message));
            }
        }
    }
}

/// True for a declared resource that says it was another before, up to one that is declared no more: a chain of renames. Of a
/// ring nobody can tell whether it has been done.
fn has_moved_on(all: &[Checked], address: &Address) -> bool {
    let find = |address: &Address| all.binary_search_by(|checked| checked.declared.address.cmp(address)).ok();
    let mut at = find(address);
    for _ in all {
        let Some(place) = at else { return true };
        let Some(renamed) = &all[place].renamed else { return false };
        at = renamed.was.iter().find_map(find);
    }
    false
}

impl Declaring<'_> {
    /// What the resource at `own` says that it was called, and all addresses that it may have had: its modules may have been
    /// renamed too.
    pub(crate) fn renamed(&self, own: &Address) -> (Option<Renamed>, Vec<Address>) {
        let said = self.world.old_name(&self.scope, self.resource.renamed_from.as_ref(), NAME);
        let renamed = said.and_then(|(place, text)| match self.old_addresses(own, &text) {
            Ok(was) => Some(Renamed { place, was }),
            Err(fault) => {
                self.world.fault(place, fault);
                None
            }
        });
        let was: Vec<Address> = renamed.iter().flat_map(|renamed| renamed.was.iter().cloned()).collect();
        let moved = |path: &String| {
            let inside = was.iter().filter(|was| was.module == own.module).chain([own]);
            let moved = inside.map(|was| Address { module: path.clone(), ..was.clone() });
            moved.collect::<Vec<_>>()
        };
        let mut all: Vec<Address> = self.scope.instance.was.paths.iter().flat_map(moved).collect();
        // A whole address is not relative to a module that was renamed.
        let is_whole = was.first().is_some_and(|was| was.module != own.module);
        all.splice(if is_whole { 0..0 } else { all.len()..all.len() }, was);
        (renamed, all)
    }

    /// The addresses that `text` means, the likeliest first.
    fn old_addresses(&self, own: &Address, text: &str) -> Result<Vec<Address>, Fault> {
        let unfit = || Fault::new(format!("`{text}` names no resource")).hint(format!("it is {NAME}"));
        let (name, key) = text.split_once(':').map_or((text, None), |(name, key)| (name, Some(key)));
        let old = if text.contains('/') || name.split('.').count() > 2 {
            text.parse::<Address>().map_err(|_| unfit())?
        } else if Address::is_word(name) && key.is_none_or(Address::is_word) {
            Address { name: name.to_owned(), key: key.map(str::to_owned), ..own.clone() }
        } else {
            return Err(unfit());
        };
        if old.kind != own.kind {
            let (service, kind) = old.kind.split_once('.').unwrap_or_default();
            return Err(match self.world.kinds.find(&old.kind) {
                Some(_) => Fault::new(format!("`{text}` is of kind `{}`, and this is a `{}`", old.kind, own.kind)),
                None => {
                    Fault::new(format!("there is no kind `{}`", old.kind)).hint(self.world.kinds.suggest(service, kind))
                }
            });
        }
        // Where no key is written, `for_each` may be as old as the resource, or new.
        let same_key = old.key.is_none().then(|| Address { key: own.key.clone(), ..old.clone() });
        let mut all: Vec<Address> = same_key.into_iter().chain([old]).filter(|was| was != own).collect();
        all.dedup();
        if all.is_empty() {
            return Err(Fault::new(format!("`{text}` is its own address")));
        }
        Ok(all)
    }
}

/// The paths that `text` means, the likeliest first: relative to the module at `caller`, or from the root.
fn old_paths(caller: &str, text: &str, each: Option<&Each>) -> Option<Vec<String>> {
    let is_step = |step: &str| {
        let (name, key) = step.split_once(':').map_or((step, None), |(name, key)| (name, Some(key)));
        Address::is_word(name) && key.is_none_or(Address::is_word)
    };
    if !text.split('/').all(is_step) {
        return None;
    }
    let path = if text.contains('/') { text.to_owned() } else { joined(caller, text) };
    let has_key = path.rsplit('/').next().is_some_and(|step| step.contains(':'));
    let same_key = each.filter(|_| !has_key).map(|each| format!("{path}:{}", each.key));
    Some(same_key.into_iter().chain([path]).collect())
}

fn prefix(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!("{path}/") }
}

fn joined(path: &str, step: &str) -> String {
    prefix(path) + step
}
