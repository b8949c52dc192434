//! Errors in a stack's files, and how they are shown.

use std::{
    cell::RefCell,
    collections::{BTreeSet, HashSet},
    fmt,
    ops::Range,
    sync::Arc,
};

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use serde::Serialize;

use crate::source::{Source, SourceSpan, Sources};

/// One error.
#[derive(Debug, Clone, Serialize)]
pub struct Diagnostic {
    /// The file, as the user wrote it or relative to the stack's file.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1, in characters.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What was expected instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// How to mend it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    #[serde(skip)]
    snippets: Snippets,
}

/// What rendering needs besides the texts.
#[derive(Debug, Clone)]
struct Snippets {
    source: Arc<Source>,
    label: Option<String>,
    range: Range<usize>,
    also: Vec<(Arc<Source>, Range<usize>, String)>,
    order: SourceSpan,
}

/// All errors of a stack, by file and line. Never empty.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct Diagnostics {
    all: Vec<Diagnostic>,
    #[serde(skip)]
    secrets: BTreeSet<String>,
}

/// Errors beyond this number are only counted.
const MOST_SHOWN: usize = 100;

impl Diagnostics {
    /// All errors.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.all.iter()
    }

    /// The number of errors.
    #[expect(clippy::len_without_is_empty, reason = "never empty")]
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// The first hundred errors with their source lines, in colour.
    pub fn coloured(&self) -> String {
        self.render(&Renderer::styled())
    }

    /// The sensitive strings found so far, see [`crate::Stack::secrets`]: messages may hold them.
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

/// The first hundred errors with their source lines, without colours.
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
        let mut group = Level::ERROR.primary_title(&*self.message).elements(self.source_snippets());
        if self.snippets.source.text.is_empty() {
            group = group.element(Origin::path(&*self.file));
        }
        match &self.hint {
            Some(hint) => group.element(Level::HELP.with_name("hint").message(&**hint)),
            None => group,
        }
    }

    /// A snippet for each file, that of the error itself first.
    fn source_snippets(&self) -> Vec<Snippet<'_, annotate_snippets::Annotation<'_>>> {
        let Snippets { source, range, also, label, .. } = &self.snippets;
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

/// An error that is not yet reported.
#[derive(Debug, Clone)]
pub(crate) struct NewDiagnostic {
    pub(crate) span: SourceSpan,
    pub(crate) message: String,
    pub(crate) expected: Option<String>,
    /// The text next to the underlined source, if `expected` is not set.
    pub(crate) label: Option<String>,
    pub(crate) hint: Option<String>,
    pub(crate) also: Vec<(SourceSpan, String)>,
}

impl NewDiagnostic {
    pub(crate) fn new(span: SourceSpan, message: impl Into<String>) -> Self {
        Self { span, message: message.into(), expected: None, label: None, hint: None, also: vec![] }
    }

    /// Sets what was expected instead.
    pub(crate) fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = Some(expected.into());
        self
    }

    /// Sets the text next to the underlined source.
    pub(crate) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Sets how to mend it.
    pub(crate) fn hint(mut self, hint: impl Into<Option<String>>) -> Self {
        self.hint = hint.into();
        self
    }

    /// Adds another span that belongs to the error.
    pub(crate) fn also(mut self, span: SourceSpan, label: impl Into<String>) -> Self {
        self.also.push((span, label.into()));
        self
    }
}

/// Collects errors. An error that two instances of a module share is kept once.
#[derive(Debug, Default)]
pub(crate) struct DiagnosticSink {
    known: RefCell<HashSet<(SourceSpan, String)>>,
    all: RefCell<Vec<Diagnostic>>,
}

impl DiagnosticSink {
    pub(crate) fn add(&self, sources: &Sources, diagnostic: NewDiagnostic) {
        let NewDiagnostic { span, message, expected, label, hint, also } = diagnostic;
        if !self.known.borrow_mut().insert((span, message.clone())) {
            return;
        }
        let source = sources.of(span);
        let range = narrowed(&source, span.range());
        let (line, column) = source.line_and_column(range.start);
        let also = also.into_iter().map(|(span, label)| {
            let source = sources.of(span);
            let range = narrowed(&source, span.range());
            (source, range, label)
        });
        let file = source.name.clone();
        let label = label.or_else(|| expected.as_ref().map(|expected| format!("expected {expected}")));
        let snippets = Snippets { also: also.collect(), source, label, range, order: span };
        self.all.borrow_mut().push(Diagnostic { file, line, column, message, expected, hint, snippets });
    }

    /// The number of errors so far.
    pub(crate) fn len(&self) -> usize {
        self.all.borrow().len()
    }

    /// All errors, by file and line; `None` if there is none.
    pub(crate) fn finish(self, secrets: BTreeSet<String>) -> Option<Diagnostics> {
        let mut all = self.all.into_inner();
        all.sort_by(|one, other| (one.snippets.order, &one.message).cmp(&(other.snippets.order, &other.message)));
        (!all.is_empty()).then_some(Diagnostics { all, secrets })
    }
}

/// The part of a span to underline: its first line, widened to whole characters.
fn narrowed(source: &Source, range: Range<usize>) -> Range<usize> {
    let text = &source.text;
    let start = text.floor_char_boundary(range.start.min(text.len()));
    let end = text.ceil_char_boundary(range.end.clamp(start, text.len()));
    let first_line = text[start..end].find('\n').map_or(end, |length| start + length);
    start..first_line
}
