//! One file per command: its struct is its help page, its `run` what it does.

pub(crate) mod apply;
pub(crate) mod completions;
pub(crate) mod destroy;
pub(crate) mod drift;
pub(crate) mod extend;
pub(crate) mod graph;
pub(crate) mod history;
pub(crate) mod list;
pub(crate) mod output;
pub(crate) mod plan;
pub(crate) mod reference;
pub(crate) mod sandbox;
pub(crate) mod schema;
pub(crate) mod show;
pub(crate) mod sweep;
pub(crate) mod unlock;
pub(crate) mod validate;
