//! What one load knows: sources, kinds, and every instance of every module, each part found out when first needed.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    path::{Path, PathBuf},
    rc::Rc,
};

use serde_json::Value;

use crate::{
    Options,
    diagnostic::{Complaint, Report},
    file::File,
    kinds::Kinds,
    parse, paths,
    renamed::Was,
    source::{self, Place, Sources},
    taint::Taint,
    template::Templates,
    value::{Fault, Wrong},
};

/// The longest chain of values that need each other.
const LONGEST_TRAIL: usize = 200;
/// The most files of a stack, modules counted once.
const MOST_FILES: usize = 500;
/// All that one load may do: steps of expressions, bytes they make (32 count as one step), and [`EACH`] a resource.
const FUEL: u64 = 10_000_000;
/// What an instance of a resource or a module counts for: so there are at most 40,000.
pub(crate) const EACH: usize = 250;

/// What one load knows.
pub(crate) struct World {
    pub(crate) kinds: Kinds,
    pub(crate) options: Options,
    /// The folder that modules and files are read from, as the file system names it.
    pub(crate) root: PathBuf,
    /// Folders beside it that they may be read from too.
    pub(crate) allowed: Vec<PathBuf>,
    /// `root` as the user names it.
    pub(crate) shown_root: PathBuf,
    pub(crate) sources: Sources,
    pub(crate) report: Report,
    pub(crate) templates: Templates,
    pub(crate) taint: Taint,
    files: RefCell<BTreeMap<PathBuf, Option<Rc<File>>>>,
    instances: RefCell<BTreeMap<String, Rc<Instance>>>,
    trail: RefCell<Vec<(String, Place)>>,
    fuel: Cell<u64>,
}

/// One use of a file: the root, a module, or one of a module's `for_each`.
pub(crate) struct Instance {
    pub(crate) file: Rc<File>,
    /// Where `file` stands in the file system.
    pub(crate) at: PathBuf,
    /// The module part of its resources' addresses.
    pub(crate) path: String,
    /// Where it is called from, by which name, and as which of a `for_each`.
    pub(crate) caller: Option<Caller>,
    /// Paths it had before, see [`crate::renamed`].
    pub(crate) was: Was,
    pub(crate) stack: Memos<Rc<Value>>,
    pub(crate) inputs: Memos<Rc<Value>>,
    pub(crate) locals: Memos<Rc<Value>>,
    pub(crate) outputs: Memos<Rc<Value>>,
    pub(crate) modules: Memos<Rc<Keys>>,
    pub(crate) resources: Memos<Rc<Keys>>,
}

/// See [`Instance::caller`].
pub(crate) struct Caller {
    pub(crate) instance: Rc<Instance>,
    pub(crate) name: String,
    pub(crate) each: Option<Each>,
}

/// `each` inside of `for_each`.
#[derive(Debug, Clone)]
pub(crate) struct Each {
    pub(crate) key: String,
    pub(crate) value: Rc<Value>,
}

/// How many there are of something: one, or one for each of some keys.
#[derive(Debug)]
pub(crate) enum Keys {
    One,
    Each(BTreeMap<String, Each>),
}

/// Values that are found out once, by name.
pub(crate) struct Memos<T>(RefCell<BTreeMap<String, Memo<T>>>);

enum Memo<T> {
    Busy,
    Done(Option<T>),
}

impl<T> Default for Memos<T> {
    fn default() -> Self {
        Self(RefCell::default())
    }
}

impl World {
    pub(crate) fn new(kinds: Kinds, options: Options, root: PathBuf, shown_root: PathBuf) -> Self {
        Self {
            kinds,
            allowed: paths::allowed(&options),
            options,
            root,
            shown_root,
            sources: Sources::default(),
            report: Report::default(),
            templates: Templates::default(),
            taint: Taint::default(),
            files: RefCell::default(),
            instances: RefCell::default(),
            trail: RefCell::default(),
            fuel: Cell::new(FUEL),
        }
    }

    pub(crate) fn complain(&self, complaint: Complaint) {
        self.report.add(&self.sources, complaint);
    }

    pub(crate) fn is_faulty(&self) -> bool {
        self.report.len() > 0
    }

    /// Reports why an expression at `place` has no value, pointing at the part of it that is wrong.
    pub(crate) fn fault(&self, place: Place, fault: Fault) {
        let Fault::Wrong(wrong) = fault else { return };
        let Wrong { message, hint, needle } = *wrong;
        let range = place.range();
        let source = self.sources.of(place);
        let found = needle.and_then(|needle| {
            let start = range.start + source.text.get(range.clone())?.find(&needle)?;
            Some(place.sibling(start..start + needle.len()))
        });
        self.complain(Complaint::new(found.unwrap_or(place), message).hint(hint));
    }

    /// Takes `amount` of what expressions may do.
    pub(crate) fn burn(&self, amount: usize) -> Result<(), Fault> {
        let left = self.fuel.get().checked_sub(amount as u64);
        self.fuel.set(left.unwrap_or(0));
        left.map(drop).ok_or_else(|| {
            Fault::new("this stack is too large: what it computes and repeats takes too much time or memory")
        })
    }

    /// Finds out a value once. `label` names it in a circle; `find` reports what is wrong, and then has no value.
    pub(crate) fn once<T: Clone>(
        &self,
        memos: &Memos<T>,
        name: &str,
        label: impl FnOnce() -> String,
        place: Place,
        find: impl FnOnce() -> Option<T>,
    ) -> Result<T, Fault> {
        let known = memos.0.borrow().get(name).map(|memo| match memo {
            Memo::Done(value) => Some(value.clone()),
            Memo::Busy => None,
        });
        match known {
            Some(Some(value)) => return value.ok_or(Fault::Said),
            Some(None) => {
                self.circle(&label());
                return Err(Fault::Said);
            }
            None => {}
        }
        if self.trail.borrow().len() >= LONGEST_TRAIL {
            return Err(Fault::new(format!("more than {LONGEST_TRAIL} values need each other one by one here")));
        }
        memos.0.borrow_mut().insert(name.to_owned(), Memo::Busy);
        self.trail.borrow_mut().push((label(), place));
        let value = find();
        self.trail.borrow_mut().pop();
        memos.0.borrow_mut().insert(name.to_owned(), Memo::Done(value.clone()));
        value.ok_or(Fault::Said)
    }

    /// Reports that what `label` names is needed to find itself out.
    fn circle(&self, label: &str) {
        let trail = self.trail.borrow();
        let start = trail.iter().position(|(known, _)| known == label).unwrap_or(0);
        let circle = &trail[start..];
        let names = circle.iter().map(|(name, _)| name.as_str()).chain([label]).collect::<Vec<_>>();
        let Some((_, place)) = circle.first() else { return };
        let message = format!("`{label}` needs itself: {}", names.join(" → "));
        let also = circle.iter().zip(&names[1..]).skip(1);
        let complaint = Complaint::new(*place, message).label(format!("needs {}", names[1]));
        self.complain(
            also.fold(complaint, |complaint, ((_, place), next)| complaint.also(*place, format!("needs {next}"))),
        );
    }

    /// The file at `path`, read once. `shown` names it in messages, `called` is where it is named.
    pub(crate) fn file(&self, path: &Path, shown: &str, called: Option<Place>) -> Option<Rc<File>> {
        if let Some(known) = self.files.borrow().get(path) {
            return known.clone();
        }
        let read = match self.files.borrow().len() {
            MOST_FILES.. => Err((format!("a stack has at most {MOST_FILES} files, and this is one more"), None)),
            _ => source::read(path),
        };
        let file = match read {
            Ok(text) => {
                let start = self.sources.add(shown, text);
                let node = parse::parse(&self.sources, &self.report, start);
                Some(Rc::new(File::read(self, start, node, called.is_none())))
            }
            Err((message, hint)) => {
                let place = called.unwrap_or_else(|| self.sources.add(shown, ""));
                let message = if called.is_some() { format!("{shown}: {message}") } else { message };
                self.complain(Complaint::new(place, message).hint(hint));
                None
            }
        };
        self.files.borrow_mut().insert(path.to_owned(), file.clone());
        file
    }

    /// The instance of a path, made by `make` when it is first asked for.
    pub(crate) fn instance(&self, path: &str, make: impl FnOnce() -> Option<Instance>) -> Option<Rc<Instance>> {
        if let Some(known) = self.instances.borrow().get(path) {
            return Some(known.clone());
        }
        let made = Rc::new(make()?);
        self.instances.borrow_mut().insert(path.to_owned(), made.clone());
        Some(made)
    }

    /// All instances there are so far.
    pub(crate) fn instances(&self) -> Vec<Rc<Instance>> {
        self.instances.borrow().values().cloned().collect()
    }

    /// The root; there is one as soon as its file has been read.
    pub(crate) fn root(&self) -> Rc<Instance> {
        self.instances.borrow()[""].clone()
    }

    /// Each place a value has, for messages: its file's name and line.
    pub(crate) fn origin(&self, place: Place) -> up_core::Origin {
        let source = self.sources.of(place);
        let (line, _) = source.line_and_column(place.range().start);
        up_core::Origin { file: source.name.clone(), line }
    }
}

impl Instance {
    pub(crate) fn new(file: Rc<File>, at: PathBuf, path: String, caller: Option<Caller>) -> Self {
        Self {
            file,
            at,
            path,
            caller,
            was: Was::default(),
            stack: Memos::default(),
            inputs: Memos::default(),
            locals: Memos::default(),
            outputs: Memos::default(),
            modules: Memos::default(),
            resources: Memos::default(),
        }
    }

    /// What it is called in a circle: `inputs.x`, or `network: inputs.x` in a module.
    pub(crate) fn label(&self, what: &str) -> String {
        if self.path.is_empty() { what.to_owned() } else { format!("{}: {what}", self.path) }
    }
}
