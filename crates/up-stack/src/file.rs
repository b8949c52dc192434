//! The declarations of one file: its tables, sorted and checked for form. Nothing is evaluated yet.

use std::{cell::OnceCell, collections::BTreeMap, path::PathBuf};

use crate::{node::Node, source::SourceSpan, types::InputType};

/// The declarations of one file.
#[derive(Debug)]
pub(crate) struct StackFile {
    pub(crate) start: SourceSpan,
    pub(crate) stack: Option<(SourceSpan, BTreeMap<String, Node>)>,
    pub(crate) inputs: BTreeMap<String, InputDecl>,
    /// The tables of `[[accept]]`, in the stack's own file.
    pub(crate) accept: Vec<Node>,
    pub(crate) locals: BTreeMap<String, Node>,
    pub(crate) modules: BTreeMap<String, ModuleCall>,
    pub(crate) outputs: BTreeMap<String, OutputDecl>,
    pub(crate) resources: BTreeMap<&'static str, BTreeMap<String, ResourceDecl>>,
}

/// `[inputs.<name>]`.
#[derive(Debug)]
pub(crate) struct InputDecl {
    pub(crate) span: SourceSpan,
    /// `None` if it is invalid, which has been reported.
    pub(crate) ty: Option<InputType>,
    pub(crate) default: Option<Node>,
    pub(crate) one_of: Option<Node>,
    pub(crate) sensitive: bool,
}

/// `[module.<name>]`.
#[derive(Debug)]
pub(crate) struct ModuleCall {
    pub(crate) span: SourceSpan,
    pub(crate) source: Option<(String, SourceSpan)>,
    /// The canonical path of `source`; `None` if it is invalid, which has been reported.
    pub(crate) at: OnceCell<Option<PathBuf>>,
    pub(crate) for_each: Option<Node>,
    pub(crate) renamed_from: Option<Node>,
    pub(crate) arguments: BTreeMap<String, (SourceSpan, Node)>,
}

/// `[outputs.<name>]`.
#[derive(Debug)]
pub(crate) struct OutputDecl {
    pub(crate) span: SourceSpan,
    pub(crate) value: Node,
    pub(crate) description: Option<String>,
    pub(crate) sensitive: bool,
}

/// `[<service>.<kind>.<name>]`.
#[derive(Debug)]
pub(crate) struct ResourceDecl {
    pub(crate) span: SourceSpan,
    pub(crate) kind: &'static str,
    pub(crate) for_each: Option<Node>,
    pub(crate) depends_on: Option<Node>,
    pub(crate) tags: Option<Node>,
    pub(crate) prevent_destroy: Option<Node>,
    pub(crate) ignore_changes: Option<Node>,
    pub(crate) renamed_from: Option<Node>,
    /// The kind's own fields, as a table.
    pub(crate) body: Node,
}

/// Fields that every resource takes, besides those of its kind.
pub(crate) const COMMON: &[&str] =
    &["for_each", "depends_on", "tags", "prevent_destroy", "ignore_changes", "renamed_from"];
