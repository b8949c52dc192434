//! The stack language: TOML files in, a checked and expanded stack out, without a call to AWS.
//!
//! [`parse`] reads a file into [`node`]s (values with their source spans), [`file_reader`] sorts them into declarations,
//! [`loader`] instantiates modules and evaluates values when they are first needed, and [`declare`] checks each resource and
//! fills in its defaults. Errors are collected: one load reports all of them.

mod accept;
mod brackets;
mod check;
mod cycle;
mod decimal;
mod declare;
mod diagnostic;
mod disposable;
mod eval;
mod expand;
mod expected;
mod file;
mod file_reader;
mod functions;
mod ignore_changes;
mod kinds;
mod loader;
mod node;
mod operators;
mod parse;
mod paths;
mod reference_check;
mod references;
mod renamed;
mod render;
mod role;
mod schema;
mod scope;
mod sensitive;
mod settings;
mod source;
mod suggest;
mod tags;
mod template;
mod types;
mod value;
mod zones;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    rc::Rc,
    thread,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use up_model::{Declared, Model, Tags};

pub use accept::Accept;
pub use diagnostic::{Diagnostic, Diagnostics};
pub use disposable::{time, ttl};
pub use role::{RoleArn, StackRole};
pub use schema::schema;

use crate::{
    kinds::KindCatalog,
    loader::{Loader, ModuleInstance},
    scope::NameScope,
};

/// What a stack is loaded with, besides its files.
#[derive(Debug, Clone, Default)]
pub struct LoadOptions {
    /// `--set name=value`, in order; the last value of a name wins.
    pub set: Vec<(String, String)>,
    /// Environment variables. `BULLSTRA_UP_<INPUT>` sets an input; all others are ignored.
    pub env: BTreeMap<String, String>,
    /// `--region`: overrides the stack's own.
    pub region: Option<String>,
    /// The value of `${stack.account}`, whatever `accounts` says. Set in the sandbox.
    pub account: Option<String>,
    /// More folders that modules and files may be read from: `--allow-path`.
    pub allow: Vec<PathBuf>,
}

/// A checked and expanded stack.
#[derive(Debug, Clone)]
pub struct Stack {
    /// Its name: the value of the ownership tag, and the name of its folder in `state/`.
    pub name: String,
    /// Its region, such as `us-east-1`.
    pub region: String,
    /// The accounts that it may be applied to. Empty: any account.
    pub accounts: Vec<String>,
    /// The role to assume for every call. `None`: the caller's own credentials.
    pub role: Option<StackRole>,
    /// Refuses plans that lose data.
    pub protect: bool,
    /// How long it lives, if it is disposable.
    pub ttl: Option<Duration>,
    /// The bucket that holds its state. `None`: a folder.
    pub backend: Option<up_model::StateLocation>,
    /// Tags of every resource.
    pub tags: Tags,
    /// All resources, sorted by address.
    pub resources: Vec<Declared>,
    /// Its outputs, by name.
    pub outputs: BTreeMap<String, OutputValue>,
    /// Strings in sensitive inputs, and strings that functions derived from them. Never show or store them.
    pub secrets: BTreeSet<String>,
    /// Differences to AWS that are accepted for a while: `[[accept]]`.
    pub accept: Vec<Accept>,
    /// The folder of the stack's file.
    pub root: PathBuf,
}

/// An output of a stack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OutputValue {
    /// The value. Its strings may hold placeholders ([`up_model::placeholder`]), and a resource is `{"$ref": address}`.
    pub value: serde_json::Value,
    /// What it is for.
    pub description: Option<String>,
    /// Shown only when it is asked for by name.
    pub sensitive: bool,
}

/// Stack size of the loading thread: enough for the deepest expression and the longest chain of values.
const THREAD_STACK: usize = 256 * 1024 * 1024;

/// Reads the stack at `path` with all its modules, and checks all of it.
///
/// Returns every error in all files. Makes no AWS call.
pub fn load(path: &Path, kinds: &[&'static dyn Model], options: &LoadOptions) -> Result<Stack, Diagnostics> {
    thread::scope(|scope| {
        let loading =
            thread::Builder::new().stack_size(THREAD_STACK).spawn_scoped(scope, || read(path, kinds, options));
        // Without a thread, the caller's stack is enough for all but extreme input.
        match loading {
            Ok(loading) => loading.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            Err(_) => read(path, kinds, options),
        }
    })
}

fn read(path: &Path, kinds: &[&'static dyn Model], options: &LoadOptions) -> Result<Stack, Diagnostics> {
    let shown_root = path.parent().unwrap_or(Path::new("")).to_owned();
    // If the file does not exist, reading it reports that.
    let at = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let root = at.parent().unwrap_or(Path::new("/")).to_owned();
    let loader = Loader::new(KindCatalog::new(kinds), options.clone(), root.clone(), shown_root);
    let stack = loader.file(&at, &path.display().to_string(), None).and_then(|file| {
        let root = loader.instance("", || Some(ModuleInstance::new(file, at, String::new(), None)))?;
        loader.whole_stack(&root)
    });
    let root_folder = root;
    let secrets = loader.sensitive.all();
    match (stack, loader.sink.finish(secrets)) {
        (_, Some(diagnostics)) => Err(diagnostics),
        (Some(stack), None) => Ok(Stack { root: root_folder, ..stack }),
        (None, None) => unreachable!("a stack is missing only after an error was reported"),
    }
}

impl Loader {
    /// Evaluates and checks everything that the files declare.
    fn whole_stack(&self, root: &Rc<ModuleInstance>) -> Option<Stack> {
        self.check_set(root);
        let text = |name| self.fact(name).ok()?.as_str().map(str::to_owned);
        let (name, region) = (text("name"), text("region"));
        let accounts = self.fact("accounts").ok();
        // Checked even if no expression uses them.
        let _ = self.fact("zones");
        let (role, protect, backend) = (self.role(), self.is_true("protect"), self.backend());
        let ttl = self.ttl(protect);
        let tags = self.common_tags(ttl.is_some());
        let mut checked = vec![];
        self.declare_all(root, &tags, &mut checked);
        checked.sort_by(|one, other| one.declared.address.cmp(&other.declared.address));
        self.check_together(&checked);
        self.check_named(&checked);
        self.check_renamed(&checked);
        if ttl.is_some() {
            self.check_disposable(&checked);
        }
        self.check_cycles(&checked);
        self.ignore_what_moves(&mut checked);
        let accept = self.accepted(&checked);
        let accounts = accounts?.as_array()?.iter().filter_map(|id| id.as_str().map(str::to_owned)).collect();
        let outputs = self.stack_outputs(root)?;
        let resources = checked.into_iter().map(|checked| checked.declared).collect();
        let secrets = self.secrets();
        let (name, region, root, tags) = (name?, region?, PathBuf::new(), tags.all());
        Some(Stack {
            name,
            region,
            accounts,
            role,
            protect,
            ttl,
            backend,
            tags,
            resources,
            outputs,
            secrets,
            accept,
            root,
        })
    }

    /// Strings in the sensitive inputs of every module, and strings derived from them.
    fn secrets(&self) -> BTreeSet<String> {
        for instance in self.instances() {
            let scope = NameScope::new(self, &instance);
            let sensitive = instance.file.inputs.iter().filter(|(_, input)| input.sensitive);
            // Evaluated even if nothing uses them; errors in them have been reported.
            sensitive.for_each(|(name, _)| drop(scope.input(name)));
        }
        self.sensitive.all()
    }

    fn stack_outputs(&self, root: &Rc<ModuleInstance>) -> Option<BTreeMap<String, OutputValue>> {
        let scope = NameScope::new(self, root);
        let output = |(name, declared): (&String, &file::OutputDecl)| {
            let value = (*scope.output(name).ok()?).clone();
            let (description, sensitive) = (declared.description.clone(), declared.sensitive);
            Some((name.clone(), OutputValue { value, description, sensitive }))
        };
        root.file.outputs.iter().map(output).collect()
    }
}
