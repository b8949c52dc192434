//! The state of one load: sources, kinds, and instances of modules. Values are evaluated once, when first needed.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    path::{Path, PathBuf},
    rc::Rc,
};

use serde_json::Value;

use crate::{
    LoadOptions,
    diagnostic::{DiagnosticSink, NewDiagnostic},
    file::StackFile,
    kinds::KindCatalog,
    node::{Data, Node},
    parse::{self, Parsed},
    paths,
    renamed::OldPaths,
    sensitive::SensitiveTexts,
    source::{self, SourceSpan, Sources},
    suggest::Suggestions,
    template::TemplateCache,
    value::{ErrorDetail, EvalError},
};

/// The longest chain of values that depend on each other.
const MAX_CHAIN: usize = 200;
/// The most files of a stack. A module used twice counts once.
const MAX_FILES: usize = 500;
/// What one load may spend: one for each step of an expression, one for 32 bytes that it makes, [`INSTANCE_COST`] for each
/// instance of a resource or module.
const BUDGET: u64 = 10_000_000;
/// What an instance of a resource or module costs. It limits them to 40,000.
pub(crate) const INSTANCE_COST: usize = 250;

/// The state of one load.
pub(crate) struct Loader {
    pub(crate) kinds: KindCatalog,
    pub(crate) options: LoadOptions,
    /// The stack's folder, in its canonical form. Modules and files are read from it.
    pub(crate) root: PathBuf,
    /// More folders that they may be read from, in canonical form.
    pub(crate) allowed: Vec<PathBuf>,
    /// `root` as the user wrote it.
    pub(crate) shown_root: PathBuf,
    pub(crate) sources: Sources,
    pub(crate) sink: DiagnosticSink,
    pub(crate) templates: TemplateCache,
    pub(crate) sensitive: SensitiveTexts,
    pub(crate) suggestions: Suggestions,
    files: RefCell<BTreeMap<PathBuf, Option<Rc<StackFile>>>>,
    instances: RefCell<BTreeMap<String, Rc<ModuleInstance>>>,
    /// The values being evaluated, outermost first, with where each is declared.
    evaluating: RefCell<Vec<(String, SourceSpan)>>,
    /// What is left of [`BUDGET`].
    budget: Cell<u64>,
}

/// A use of a file: the root, a module, or an instance of a module with `for_each`.
pub(crate) struct ModuleInstance {
    pub(crate) file: Rc<StackFile>,
    /// The canonical path of `file`.
    pub(crate) at: PathBuf,
    /// The module part of its resources' addresses: `network`, `service:orders`, empty for the root.
    pub(crate) path: String,
    /// The `[module.…]` that this is an instance of. `None` for the root.
    pub(crate) caller: Option<ModuleCaller>,
    /// Its former paths, see [`crate::renamed`].
    pub(crate) old_paths: OldPaths,
    pub(crate) stack: Memos<Rc<Value>>,
    pub(crate) inputs: Memos<Rc<Value>>,
    pub(crate) locals: Memos<Rc<Value>>,
    pub(crate) outputs: Memos<Rc<Value>>,
    pub(crate) modules: Memos<Rc<Repetition>>,
    pub(crate) resources: Memos<Rc<Repetition>>,
}

/// See [`ModuleInstance::caller`].
pub(crate) struct ModuleCaller {
    /// The instance whose file calls the module.
    pub(crate) instance: Rc<ModuleInstance>,
    pub(crate) name: String,
    pub(crate) each: Option<Each>,
}

/// The value of `each` inside `for_each`.
#[derive(Debug, Clone)]
pub(crate) struct Each {
    pub(crate) key: String,
    pub(crate) value: Rc<Value>,
}

/// The instances of a resource or module: a single one, or one for each key.
#[derive(Debug)]
pub(crate) enum Repetition {
    Single,
    ForEach(BTreeMap<String, Each>),
}

/// Values that are evaluated once, by name.
pub(crate) struct Memos<T>(RefCell<BTreeMap<String, Memo<T>>>);

enum Memo<T> {
    InProgress,
    /// `None` where the value is invalid, which has been reported.
    Done(Option<T>),
}

impl<T> Default for Memos<T> {
    fn default() -> Self {
        Self(RefCell::default())
    }
}

impl Loader {
    pub(crate) fn new(kinds: KindCatalog, options: LoadOptions, root: PathBuf, shown_root: PathBuf) -> Self {
        Self {
            kinds,
            allowed: paths::allowed(&options),
            options,
            root,
            shown_root,
            sources: Sources::default(),
            sink: DiagnosticSink::default(),
            templates: TemplateCache::default(),
            sensitive: SensitiveTexts::default(),
            suggestions: Suggestions::default(),
            files: RefCell::default(),
            instances: RefCell::default(),
            evaluating: RefCell::default(),
            budget: Cell::new(BUDGET),
        }
    }

    /// Reports an error.
    pub(crate) fn report(&self, diagnostic: NewDiagnostic) {
        self.sink.add(&self.sources, diagnostic);
    }

    /// True once an error was reported.
    pub(crate) fn has_errors(&self) -> bool {
        self.sink.len() > 0
    }

    /// Reports the error of an expression at `span`, and underlines the part of it that is wrong.
    pub(crate) fn report_error(&self, span: SourceSpan, error: EvalError) {
        let EvalError::Invalid(wrong) = error else { return };
        let ErrorDetail { message, hint, underlined } = *wrong;
        let range = span.range();
        let source = self.sources.of(span);
        let found = underlined.and_then(|underlined| {
            let start = range.start + find_word(source.text.get(range.clone())?, &underlined)?;
            Some(span.sibling(start..start + underlined.len()))
        });
        self.report(NewDiagnostic::new(found.unwrap_or(span), message).hint(hint));
    }

    /// Takes `amount` from the budget of the load.
    pub(crate) fn spend(&self, amount: usize) -> Result<(), EvalError> {
        let left = self.budget.get().checked_sub(amount as u64);
        self.budget.set(left.unwrap_or(0));
        left.map(drop)
            .ok_or_else(|| EvalError::new("the stack is too large: evaluating it would take too much time or memory"))
    }

    /// Evaluates a value once. `label` names it in the report of a cycle; `find` returns `None` after it reported an error.
    pub(crate) fn memoized<T: Clone>(
        &self,
        memos: &Memos<T>,
        name: &str,
        label: impl FnOnce() -> String,
        span: SourceSpan,
        find: impl FnOnce() -> Option<T>,
    ) -> Result<T, EvalError> {
        let known = memos.0.borrow().get(name).map(|memo| match memo {
            Memo::Done(value) => Some(value.clone()),
            Memo::InProgress => None,
        });
        match known {
            Some(Some(value)) => return value.ok_or(EvalError::Reported),
            Some(None) => {
                self.report_value_cycle(&label());
                return Err(EvalError::Reported);
            }
            None => {}
        }
        if self.evaluating.borrow().len() >= MAX_CHAIN {
            return Err(EvalError::new(format!("this value depends on a chain of more than {MAX_CHAIN} others")));
        }
        memos.0.borrow_mut().insert(name.to_owned(), Memo::InProgress);
        self.evaluating.borrow_mut().push((label(), span));
        let value = find();
        self.evaluating.borrow_mut().pop();
        memos.0.borrow_mut().insert(name.to_owned(), Memo::Done(value.clone()));
        value.ok_or(EvalError::Reported)
    }

    /// Reports that the value named `label` depends on itself.
    fn report_value_cycle(&self, label: &str) {
        let evaluating = self.evaluating.borrow();
        let start = evaluating.iter().position(|(known, _)| known == label).unwrap_or(0);
        let cycle = &evaluating[start..];
        let names = cycle.iter().map(|(name, _)| name.as_str()).chain([label]).collect::<Vec<_>>();
        let Some((_, span)) = cycle.first() else { return };
        let message = format!("`{label}` depends on itself: {}", names.join(" → "));
        let also = cycle.iter().zip(&names[1..]).skip(1);
        let diagnostic = NewDiagnostic::new(*span, message).label(format!("depends on {}", names[1]));
        self.report(
            also.fold(diagnostic, |diagnostic, ((_, span), next)| diagnostic.also(*span, format!("depends on {next}"))),
        );
    }

    /// The file at `path`, read once. Messages call it `shown`; `called` is the `source` that names it.
    pub(crate) fn file(&self, path: &Path, shown: &str, called: Option<SourceSpan>) -> Option<Rc<StackFile>> {
        if let Some(known) = self.files.borrow().get(path) {
            return known.clone();
        }
        let read = match self.files.borrow().len() {
            MAX_FILES.. => Err((format!("too many files: a stack has at most {MAX_FILES}"), None)),
            _ => source::read(path),
        };
        let file = match read {
            Ok(text) => {
                let start = self.sources.add(shown, text);
                let Parsed { root, is_complete } = parse::parse(&self.sources, &self.sink, start);
                if is_complete {
                    Some(Rc::new(StackFile::read(self, start, root, called.is_none())))
                } else {
                    self.hide_defaults(&root);
                    None
                }
            }
            Err((message, hint)) => {
                let span = called.unwrap_or_else(|| self.sources.add(shown, ""));
                let message = if called.is_some() { format!("{shown}: {message}") } else { message };
                self.report(NewDiagnostic::new(span, message).hint(hint));
                None
            }
        };
        self.files.borrow_mut().insert(path.to_owned(), file.clone());
        file
    }

    /// Collects the defaults of sensitive inputs in a file that cannot be read: messages about it may quote them.
    fn hide_defaults(&self, root: &Node) {
        let Some(Data::Table(inputs)) = root.get("inputs").map(|inputs| &inputs.data) else { return };
        let is_sensitive = |input: &Node| matches!(input.get("sensitive").map(|it| &it.data), Some(Data::Bool(true)));
        for (_, input) in inputs.iter().filter(|(_, input)| is_sensitive(input)) {
            input.get("default").into_iter().for_each(|default| self.sensitive.add(&default.value()));
        }
    }

    /// The module instance at `path`; `make` creates it on first use.
    pub(crate) fn instance(
        &self,
        path: &str,
        make: impl FnOnce() -> Option<ModuleInstance>,
    ) -> Option<Rc<ModuleInstance>> {
        if let Some(known) = self.instances.borrow().get(path) {
            return Some(known.clone());
        }
        let made = Rc::new(make()?);
        self.instances.borrow_mut().insert(path.to_owned(), made.clone());
        Some(made)
    }

    /// All module instances created so far.
    pub(crate) fn instances(&self) -> Vec<Rc<ModuleInstance>> {
        self.instances.borrow().values().cloned().collect()
    }

    /// The root instance. It exists as soon as the stack's file has been read.
    pub(crate) fn root(&self) -> Rc<ModuleInstance> {
        self.instances.borrow()[""].clone()
    }

    /// The file and line of a span.
    pub(crate) fn origin(&self, span: SourceSpan) -> up_model::Origin {
        let source = self.sources.of(span);
        let (line, _) = source.line_and_column(span.range().start);
        up_model::Origin { file: source.name.clone(), line }
    }
}

/// The first occurrence of `word` in `text` that is not a part of a longer name.
fn find_word(text: &str, word: &str) -> Option<usize> {
    let is_name = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    let is_whole = |at: usize| {
        let (before, after) = (&text[..at], &text[at + word.len()..]);
        !(word.starts_with(is_name) && before.ends_with(is_name)
            || word.ends_with(is_name) && after.starts_with(is_name))
    };
    text.match_indices(word).map(|(at, _)| at).find(|at| is_whole(*at))
}

impl ModuleInstance {
    pub(crate) fn new(file: Rc<StackFile>, at: PathBuf, path: String, caller: Option<ModuleCaller>) -> Self {
        Self {
            file,
            at,
            path,
            caller,
            old_paths: OldPaths::default(),
            stack: Memos::default(),
            inputs: Memos::default(),
            locals: Memos::default(),
            outputs: Memos::default(),
            modules: Memos::default(),
            resources: Memos::default(),
        }
    }

    /// A value's name in messages: `inputs.x`, or `network: inputs.x` in a module.
    pub(crate) fn label(&self, what: &str) -> String {
        if self.path.is_empty() { what.to_owned() } else { format!("{}: {what}", self.path) }
    }
}
