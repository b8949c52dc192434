//! `renamed_from`: the former address of a resource, or the former path of a module.

use std::{collections::BTreeMap, rc::Rc};

use up_model::Address;

use crate::{
    declare::{CheckedResource, ResourceBuilder},
    diagnostic::NewDiagnostic,
    file::ModuleCall,
    loader::{Each, Loader, ModuleInstance},
    node::{Data, Node},
    scope::NameScope,
    source::SourceSpan,
    value::{self, EvalError},
};

/// The former paths of a module instance.
#[derive(Default)]
pub(crate) struct OldPaths {
    /// All of them, the likeliest first. Its callers may have been renamed too.
    paths: Vec<String>,
    /// Those of its own `renamed_from`, and its span.
    declared: Option<(SourceSpan, Vec<String>)>,
}

/// A `renamed_from` and its span.
pub(crate) struct RenamedFrom {
    span: SourceSpan,
    old: Vec<Address>,
}

const NAME: &str = "a name such as `old` or `old:key`, or an address such as `network/ec2.vpc.old:key`";
const MODULE: &str = "a name such as `old` or `old:key`, or a path such as `shop/old:key`";

impl Loader {
    /// Evaluates `renamed_from`; `None` if it is null or invalid, which has been reported.
    fn old_name(&self, scope: &NameScope<'_>, node: Option<&Node>, expected: &str) -> Option<(SourceSpan, String)> {
        let node = scope.evaluate(node?);
        let Some(text) = node.text() else {
            if !matches!(node.data, Data::Null) {
                self.wrong_type(&node, expected);
            }
            return None;
        };
        if let Some(quote) = value::placeholder_in(&node.value()) {
            self.report(NewDiagnostic::new(node.span, value::not_known_yet(&quote)));
            return None;
        }
        Some((node.span, text.to_owned()))
    }

    /// The former paths of the module instance at `path`.
    pub(crate) fn module_old_paths(
        &self,
        caller: &Rc<ModuleInstance>,
        call: &ModuleCall,
        each: Option<&Each>,
        path: &str,
    ) -> OldPaths {
        let scope = NameScope { each, ..NameScope::new(self, caller) };
        let declared =
            self.old_name(&scope, call.renamed_from.as_ref(), MODULE).and_then(|(span, text)| {
                match old_paths(&caller.path, &text, each) {
                    Some(old) if old.iter().all(|old| old == path) => {
                        self.report(NewDiagnostic::new(span, format!("`{text}` is its current name")));
                        None
                    }
                    Some(old) => Some((span, old.into_iter().filter(|old| old != path).collect::<Vec<_>>())),
                    None => {
                        self.report(
                            NewDiagnostic::new(span, format!("`{text}` is not the name of a module")).expected(MODULE),
                        );
                        None
                    }
                }
            });
        let own_step = path.rsplit('/').next().unwrap_or(path);
        let inherited: Vec<String> = caller.old_paths.paths.iter().map(|old| joined(old, own_step)).collect();
        let own = declared.iter().flat_map(|(_, paths)| paths);
        let moved = caller.old_paths.paths.iter().flat_map(|old_caller| {
            let under = |old: &String| Some(joined(old_caller, old.strip_prefix(&prefix(&caller.path))?));
            own.clone().filter_map(under)
        });
        let paths = moved.chain(own.clone().cloned()).chain(inherited).collect();
        OldPaths { paths, declared }
    }

    /// Checks that a former address is not declared any more, and that only one resource had it.
    pub(crate) fn check_renamed(&self, all: &[CheckedResource]) {
        let is_declared = |old: &Address| all.binary_search_by(|checked| checked.declared.address.cmp(old)).is_ok();
        let mut claimed: BTreeMap<&Address, &Address> = BTreeMap::new();
        for CheckedResource { declared, renamed, .. } in all {
            let Some(RenamedFrom { span, old }) = renamed else { continue };
            if let Some(taken) = old.iter().find(|old| is_declared(old) && !has_moved_on(all, old)) {
                let message =
                    format!("{}: it cannot be renamed from `{taken}`, which is still declared", declared.address);
                self.report(NewDiagnostic::new(*span, message).hint("set its former name".to_owned()));
            }
            let Some(first) = old.first() else { continue };
            if let Some(other) = claimed.insert(first, &declared.address) {
                let message = format!("{other} and {} cannot both be renamed from {first}", declared.address);
                let hint = "with `for_each`, name the instance: `\"old:${each.key}\"`".to_owned();
                self.report(NewDiagnostic::new(*span, message).hint(hint));
            }
        }
        let instances = self.instances();
        for instance in &instances {
            let Some((span, declared)) = &instance.old_paths.declared else { continue };
            if let Some(taken) = declared.iter().find(|old| instances.iter().any(|other| other.path == **old)) {
                let message = format!("it cannot be renamed from module `{taken}`, which is still declared");
                self.report(NewDiagnostic::new(*span, message));
            }
        }
    }
}

/// True for a declared resource that was renamed itself, from one that is not declared any more: a chain of renames. Whether two
/// that exchange their names have done so already, nobody can tell.
fn has_moved_on(all: &[CheckedResource], address: &Address) -> bool {
    let find = |address: &Address| all.binary_search_by(|checked| checked.declared.address.cmp(address)).ok();
    let mut at = find(address);
    for _ in all {
        let Some(index) = at else { return true };
        let Some(renamed) = &all[index].renamed else { return false };
        at = renamed.old.iter().find_map(find);
    }
    false
}

impl ResourceBuilder<'_> {
    /// The `renamed_from` of the resource at `own`, and all addresses that it may have had: its modules may have been
    /// renamed too.
    pub(crate) fn renamed(&self, own: &Address) -> (Option<RenamedFrom>, Vec<Address>) {
        let declared = self.loader.old_name(&self.scope, self.resource.renamed_from.as_ref(), NAME);
        let renamed = declared.and_then(|(span, text)| match self.old_addresses(own, &text) {
            Ok(old) => Some(RenamedFrom { span, old }),
            Err(error) => {
                self.loader.report_error(span, error);
                None
            }
        });
        let old: Vec<Address> = renamed.iter().flat_map(|renamed| renamed.old.iter().cloned()).collect();
        let moved = |path: &String| {
            let inside = old.iter().filter(|old| old.module == own.module).chain([own]);
            let moved = inside.map(|old| Address { module: path.clone(), ..old.clone() });
            moved.collect::<Vec<_>>()
        };
        let mut all: Vec<Address> = self.scope.instance.old_paths.paths.iter().flat_map(moved).collect();
        // A full address is not relative to a renamed module.
        let is_full = old.first().is_some_and(|old| old.module != own.module);
        all.splice(if is_full { 0..0 } else { all.len()..all.len() }, old);
        (renamed, all)
    }

    /// The addresses that `text` may stand for, the likeliest first.
    fn old_addresses(&self, own: &Address, text: &str) -> Result<Vec<Address>, EvalError> {
        let not_an_address =
            || EvalError::new(format!("`{text}` is not the address of a resource")).hint(format!("write {NAME}"));
        let (name, key) = text.split_once(':').map_or((text, None), |(name, key)| (name, Some(key)));
        let old = if text.contains('/') || name.split('.').count() > 2 {
            text.parse::<Address>().map_err(|_| not_an_address())?
        } else if Address::is_word(name) && key.is_none_or(Address::is_word) {
            Address { name: name.to_owned(), key: key.map(str::to_owned), ..own.clone() }
        } else {
            return Err(not_an_address());
        };
        if old.kind != own.kind {
            let (service, kind) = old.kind.split_once('.').unwrap_or_default();
            return Err(match self.loader.kinds.find(&old.kind) {
                Some(_) => EvalError::new(format!(
                    "`{text}` is of kind `{}`, and this resource of kind `{}`",
                    old.kind, own.kind
                )),
                None => EvalError::new(format!("unknown kind `{}`", old.kind)).hint(self.loader.kinds.suggest(
                    &self.loader.suggestions,
                    service,
                    kind,
                )),
            });
        }
        // Without a key, the resource may or may not have had `for_each` before.
        let same_key = old.key.is_none().then(|| Address { key: own.key.clone(), ..old.clone() });
        let mut all: Vec<Address> = same_key.into_iter().chain([old]).filter(|old| old != own).collect();
        all.dedup();
        if all.is_empty() {
            return Err(EvalError::new(format!("`{text}` is its current address")));
        }
        Ok(all)
    }
}

/// The paths that `text` may stand for, the likeliest first: relative to the module at `caller`, or from the root.
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
