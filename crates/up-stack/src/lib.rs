//! The stack language: TOML files in, a checked and expanded stack out, without a call to AWS.
//!
//! A load goes file → [`node`] (TOML with places) → [`file`] (what is declared) → [`world`] (instances of modules, values
//! found out when first needed) → [`declare`] (each resource checked and completed). Nothing stops at the first error.

mod check;
mod cycle;
mod decimal;
mod declare;
mod diagnostic;
mod eval;
mod expand;
mod file;
mod functions;
mod ignored;
mod kinds;
mod node;
mod operators;
mod parse;
mod paths;
mod refer;
mod refs;
mod renamed;
mod render;
mod role;
mod schema;
mod scope;
mod settings;
mod shape;
mod source;
mod suggest;
mod tags;
mod taint;
mod template;
mod types;
mod value;
mod world;
mod zones;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    rc::Rc,
    thread,
};

use serde::{Deserialize, Serialize};
use up_core::{AnyKind, Declared, Tags};

pub use diagnostic::{Diagnostic, Diagnostics};
pub use role::{Role, RoleArn};
pub use schema::schema;

use crate::{
    kinds::Kinds,
    scope::Scope,
    world::{Instance, World},
};

/// What is given to a stack from outside its files.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// `--set name=value`, in order: the last one counts.
    pub set: Vec<(String, String)>,
    /// Environment variables by their whole name; those named `BULLSTRA_UP_<INPUT>` give inputs, others are ignored.
    pub env: BTreeMap<String, String>,
    /// `--region`: goes before the stack's own.
    pub region: Option<String>,
    /// What `${stack.account}` is, where that is known whatever the stack's `accounts` say: in the sandbox.
    pub account: Option<String>,
    /// Folders beside the stack's own that modules and files may be read from.
    pub allow: Vec<PathBuf>,
}

/// A checked and expanded stack.
#[derive(Debug, Clone)]
pub struct Stack {
    /// Its name: the value of the ownership tag, and of the folder in `state/`.
    pub name: String,
    /// `us-east-1`.
    pub region: String,
    /// The accounts it may be applied to; any, where there is none.
    pub accounts: Vec<String>,
    /// The role that every call is made as; the caller itself, where there is none.
    pub role: Option<Role>,
    /// Refuse plans that lose data.
    pub protect: bool,
    /// The bucket that its state is kept in; a folder, where there is none.
    pub backend: Option<up_state::Place>,
    /// The tags of every resource.
    pub tags: Tags,
    /// Every resource, by address.
    pub resources: Vec<Declared>,
    /// Its outputs.
    pub outputs: BTreeMap<String, Output>,
    /// Texts that came in through sensitive inputs, and what functions made of them: not to be shown, and not to be kept.
    pub secrets: BTreeSet<String>,
    /// The folder of the stack's file.
    pub root: PathBuf,
}

/// What a stack tells the world.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Output {
    /// The value; its text may hold marks, see [`up_core::placeholder`], and a resource is `{"$ref": address}`.
    pub value: serde_json::Value,
    /// What it is for.
    pub description: Option<String>,
    /// Not to be shown unless asked for by name.
    pub sensitive: bool,
}

/// Deep enough for the deepest expressions and the longest chains that are let through.
const MACHINE_STACK: usize = 256 * 1024 * 1024;

/// Reads the stack at `path` with all its modules, and checks all of it.
///
/// Errors are everything that is wrong in all files. No AWS call is made.
pub fn load(path: &Path, kinds: &[&'static dyn AnyKind], options: &Options) -> Result<Stack, Diagnostics> {
    thread::scope(|scope| {
        let loading =
            thread::Builder::new().stack_size(MACHINE_STACK).spawn_scoped(scope, || read(path, kinds, options));
        // Without a thread to spare, the machine's own stack does for all but the strangest input.
        match loading {
            Ok(loading) => loading.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            Err(_) => read(path, kinds, options),
        }
    })
}

fn read(path: &Path, kinds: &[&'static dyn AnyKind], options: &Options) -> Result<Stack, Diagnostics> {
    let shown_root = path.parent().unwrap_or(Path::new("")).to_owned();
    // Where there is no such file, reading it says so.
    let at = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let root = at.parent().unwrap_or(Path::new("/")).to_owned();
    let world = World::new(Kinds::new(kinds), options.clone(), root.clone(), shown_root);
    let stack = world.file(&at, &path.display().to_string(), None).and_then(|file| {
        let root = world.instance("", || Some(Instance::new(file, at, String::new(), None)))?;
        world.whole_stack(&root)
    });
    let root_folder = root;
    let secrets = world.taint.all();
    match (stack, world.report.finish(secrets)) {
        (_, Some(diagnostics)) => Err(diagnostics),
        (Some(stack), None) => Ok(Stack { root: root_folder, ..stack }),
        (None, None) => unreachable!("a stack is only withheld after something was reported"),
    }
}

impl World {
    /// Looks at everything there is.
    fn whole_stack(&self, root: &Rc<Instance>) -> Option<Stack> {
        self.check_set(root);
        let text = |name| self.fact(name).ok()?.as_str().map(str::to_owned);
        let (name, region) = (text("name"), text("region"));
        let accounts = self.fact("accounts").ok();
        // Looked at even where nothing asks for them.
        let _ = self.fact("zones");
        let (role, protect, tags, backend) = (self.role(), self.protect(), self.common_tags(), self.backend());
        let mut checked = vec![];
        self.declare_all(root, &tags, &mut checked);
        checked.sort_by(|one, other| one.declared.address.cmp(&other.declared.address));
        self.check_together(&checked);
        self.check_named(&checked);
        self.check_renamed(&checked);
        self.check_circles(&checked);
        self.ignore_what_moves(&mut checked);
        let accounts = accounts?.as_array()?.iter().filter_map(|id| id.as_str().map(str::to_owned)).collect();
        let outputs = self.stack_outputs(root)?;
        let resources = checked.into_iter().map(|checked| checked.declared).collect();
        let secrets = self.secrets();
        let (name, region, root, tags) = (name?, region?, PathBuf::new(), tags.all());
        Some(Stack { name, region, accounts, role, protect, backend, tags, resources, outputs, secrets, root })
    }

    /// The texts in sensitive inputs, of every module, and what was made of them.
    fn secrets(&self) -> BTreeSet<String> {
        for instance in self.instances() {
            let scope = Scope::new(self, &instance);
            let sensitive = instance.file.inputs.iter().filter(|(_, input)| input.sensitive);
            // Found out even where nothing asked for them; what is wrong with them has been reported.
            sensitive.for_each(|(name, _)| drop(scope.input(name)));
        }
        self.taint.all()
    }

    fn stack_outputs(&self, root: &Rc<Instance>) -> Option<BTreeMap<String, Output>> {
        let scope = Scope::new(self, root);
        let output = |(name, declared): (&String, &file::OutputDecl)| {
            let value = (*scope.output(name).ok()?).clone();
            let (description, sensitive) = (declared.description.clone(), declared.sensitive);
            Some((name.clone(), Output { value, description, sensitive }))
        };
        root.file.outputs.iter().map(output).collect()
    }
}
