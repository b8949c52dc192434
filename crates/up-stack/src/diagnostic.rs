//! What is wrong with a stack, where, and what would be right.

use std::{
    cell::RefCell,
    collections::{BTreeSet, HashSet},
    fmt,
    ops::Range,
    sync::Arc,
};

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use serde::Serialize;

use crate::source::{Place, Source, Sources};

/// One thing that is wrong.
#[derive(Debug, Clone, Serialize)]
pub struct Diagnostic {
    /// The file, as the user named it or relative to the stack's file.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1, in characters.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What was expected there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What to do about it, "did you mean" included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    #[serde(skip)]
    shown: Shown,
}

/// What the rendering needs beside the text.
#[derive(Debug, Clone)]
struct Shown {
    source: Arc<Source>,
    label: Option<String>,
    range: Range<usize>,
    also: Vec<(Arc<Source>, Range<usize>, String)>,
    order: Place,
}

/// Everything that is wrong with a stack, by file and line. Never empty.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct Diagnostics {
    all: Vec<Diagnostic>,
    #[serde(skip)]
    secrets: BTreeSet<String>,
}

/// More than so many are counted, and not shown: whoever mends these reads the rest next.
const MOST_SHOWN: usize = 100;

impl Diagnostics {
    /// Each of them.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.all.iter()
    }

    /// How many there are.
    #[expect(clippy::len_without_is_empty, reason = "never empty")]
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// The first hundred of them with their source lines, in colour.
    pub fn coloured(&self) -> String {
        self.render(&Renderer::styled())
    }

    /// What came in through sensitive inputs as far as it had been read, see [`crate::Stack::secrets`]: messages may
    /// quote it.
    pub fn secrets(&self) -> &BTreeSet<String> {
        &self.secrets
    }

    fn render(&self, renderer: &Renderer) -> String {
        let shown = self.all.iter().take(MOST_SHOWN).map(|diagnostic| renderer.render(&[diagnostic.group()]));
        let more = self.all.len().saturating_sub(MOST_SHOWN);
        let more = (more > 0).then(|| format!("… and {more} more"));
        shown.chain(more).collect::<Vec<_>>().join("\n\n")
    }
}

/// The first hundred of them with their source lines, without colours.
impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(&Renderer::plain()))
    }
}

impl std::error::Error for Diagnostics {}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Diagnostic {
    fn group(&self) -> Group<'_> {
        let mut group = Level::ERROR.primary_title(&*self.message).elements(self.snippets());
        if self.shown.source.text.is_empty() {
            group = group.element(Origin::path(&*self.file));
        }
        match &self.hint {
            Some(hint) => group.element(Level::HELP.with_name("hint").message(&**hint)),
            None => group,
        }
    }

    /// One for each file that is pointed into, the primary one first.
    fn snippets(&self) -> Vec<Snippet<'_, annotate_snippets::Annotation<'_>>> {
        let Shown { source, range, also, label, .. } = &self.shown;
        if source.text.is_empty() {
            return vec![];
        }
        let primary = AnnotationKind::Primary.span(range.clone()).label(label.as_deref());
        let mut snippets = vec![snippet(source).annotation(primary)];
        for (other, range, label) in also {
            let context = AnnotationKind::Context.span(range.clone()).label(&**label);
            if Arc::ptr_eq(other, source) {
                let first = snippets.remove(0).annotation(context);
                snippets.insert(0, first);
            } else {
                snippets.push(snippet(other).annotation(context));
            }
        }
        snippets
    }
}

fn snippet(source: &Source) -> Snippet<'_, annotate_snippets::Annotation<'_>> {
    Snippet::source(&*source.text).path(&*source.name)
}

/// Something wrong, on its way to the [`Report`].
#[derive(Debug, Clone)]
pub(crate) struct Complaint {
    pub(crate) place: Place,
    pub(crate) message: String,
    pub(crate) expected: Option<String>,
    /// What is said at the place itself, where nothing is expected there.
    pub(crate) label: Option<String>,
    pub(crate) hint: Option<String>,
    pub(crate) also: Vec<(Place, String)>,
}

impl Complaint {
    pub(crate) fn new(place: Place, message: impl Into<String>) -> Self {
        Self { place, message: message.into(), expected: None, label: None, hint: None, also: vec![] }
    }

    /// What should stand there instead.
    pub(crate) fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = Some(expected.into());
        self
    }

    /// What is the matter with the place itself.
    pub(crate) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// What to do about it.
    pub(crate) fn hint(mut self, hint: impl Into<Option<String>>) -> Self {
        self.hint = hint.into();
        self
    }

    /// Another place that has to do with it.
    pub(crate) fn also(mut self, place: Place, label: impl Into<String>) -> Self {
        self.also.push((place, label.into()));
        self
    }
}

/// Collects what is wrong. The same thing said twice, for two instances of one module, is kept once.
#[derive(Debug, Default)]
pub(crate) struct Report {
    said: RefCell<HashSet<(Place, String)>>,
    all: RefCell<Vec<Diagnostic>>,
}

impl Report {
    pub(crate) fn add(&self, sources: &Sources, complaint: Complaint) {
        let Complaint { place, message, expected, label, hint, also } = complaint;
        if !self.said.borrow_mut().insert((place, message.clone())) {
            return;
        }
        let source = sources.of(place);
        let range = narrowed(&source, place.range());
        let (line, column) = source.line_and_column(range.start);
        let also = also.into_iter().map(|(place, label)| {
            let source = sources.of(place);
            let range = narrowed(&source, place.range());
            (source, range, label)
        });
        let file = source.name.clone();
        let label = label.or_else(|| expected.as_ref().map(|expected| format!("expected {expected}")));
        let shown = Shown { also: also.collect(), source, label, range, order: place };
        self.all.borrow_mut().push(Diagnostic { file, line, column, message, expected, hint, shown });
    }

    /// How many there are so far.
    pub(crate) fn len(&self) -> usize {
        self.all.borrow().len()
    }

    /// All of them, by file and line; `None` where nothing is wrong.
    pub(crate) fn finish(self, secrets: BTreeSet<String>) -> Option<Diagnostics> {
        let mut all = self.all.into_inner();
        all.sort_by(|one, other| (one.shown.order, &one.message).cmp(&(other.shown.order, &other.message)));
        (!all.is_empty()).then_some(Diagnostics { all, secrets })
    }
}

/// A place that spans lines is shown by its first one; one that ends inside a character is widened.
fn narrowed(source: &Source, range: Range<usize>) -> Range<usize> {
    let text = &source.text;
    let start = text.floor_char_boundary(range.start.min(text.len()));
    let end = text.ceil_char_boundary(range.end.clamp(start, text.len()));
    let first_line = text[start..end].find('\n').map_or(end, |length| start + length);
    start..first_line
}
