//! Kinds of the IAM API. One file per kind.
//!
//! All that a stack owns stands under one path ([`path`]), because IAM lists by path and not by tag. Who owns it is
//! told by its tags, as everywhere.

mod alias;
mod boundary;
pub mod instance_profile;
pub mod policy;
pub mod role;

pub use alias::account_alias;

use percent_encoding::percent_decode_str;
use up_core::{Address, Error, Limit, Of, PolicyDocument, Problem, Query, Result, Service, Tags, present};

up_core::client!(aws_sdk_iam, SERVICE);
up_core::tags!(aws_sdk_iam::types::Tag, required);

/// IAM.
pub static SERVICE: Service = Service {
    limits: LIMITS,
    kinds: &[&Of::<instance_profile::InstanceProfile>::KIND, &Of::<policy::Policy>::KIND, &Of::<role::Role>::KIND],
    ..Service::new("iam")
};

const LIMITS: &[Limit] = &[
    Limit::new("Get*", 100.0, 50.0).shared("read").guess(),
    Limit::new("List*", 100.0, 50.0).shared("read").guess(),
    Limit::new("*", 20.0, 20.0).shared("modify").guess(),
];

/// The most that IAM lists in one answer.
const PAGE: i32 = 1000;

/// Where the entities of all stacks stand.
const ROOT: &str = "/bullstra-up/";

/// Where a stack's entities stand.
fn path(stack: &str) -> String {
    format!("{ROOT}{stack}/")
}

/// Where the entities stand that a query asks for.
fn prefix(query: &Query) -> String {
    match query.only_stack() {
        Some(stack) => path(stack),
        None => if query.is_all() { "/" } else { ROOT }.to_owned(),
    }
}

/// Where the stack that owns what carries `tags` keeps its entities.
fn path_of(tags: &Tags) -> Result<String> {
    let stack = tags.get(Address::STACK_TAG).ok_or_else(|| Error::ours("only what a stack owns is changed"))?;
    Ok(path(stack))
}

/// All items of all pages. IAM lists even where there is nothing: a page without its list is not whole.
fn all<P, T>(pages: Vec<P>, list: impl Fn(P) -> Option<Vec<T>>, what: &str) -> Result<Vec<T>> {
    let lists = pages.into_iter().map(|page| present(list(page), what));
    Ok(lists.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
}

/// IAM percent-encodes the documents it answers with.
fn document(encoded: Option<String>) -> Result<PolicyDocument> {
    let encoded = present(encoded, "policy document")?;
    let text = percent_decode_str(&encoded).decode_utf8().map_err(|_| Error::absent("policy document in UTF-8"))?;
    PolicyDocument::parse(&text).map_err(|error| Error::absent(&format!("readable policy document: {error}")))
}

/// IAM's rule for every name.
fn check_name<'a>(field: &str, name: impl Into<Option<&'a String>>, longest: usize) -> Option<Problem> {
    let legal = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    let is_name = |name: &str| (1..=longest).contains(&name.len()) && name.chars().all(legal);
    Problem::unless_form(field, name, is_name, format_args!("a name is 1 to {longest} letters, digits and `_+=,.@-`"))
}

/// IAM's rule for every document.
fn check_document(field: &str, document: &PolicyDocument) -> Option<Problem> {
    let is_stated = document.statements().is_some_and(|all| all.iter().all(|statement| statement.is_object()));
    Problem::when(!is_stated, field, "a policy needs a `Statement`, a table or a list of tables")
}

/// IAM's rule for every description.
fn check_description(description: &str) -> Option<Problem> {
    Problem::when(description.chars().count() > 1000, "description", "a description has 1,000 characters at most")
}
