//! Attributes that write what each kind would otherwise repeat: [`macro@spec`] for the table a user writes, [`macro@part`] for a
//! table inside it, [`fill!`] and [`fill_changed!`] for the call that sends it.
//!
//! Order of calls, quirks of AWS and everything that decides stay in the kind's file. A misspelt word is a compile error.

mod call;
mod field;
mod mirror;
mod table;

use proc_macro::TokenStream;
use syn::{Error, parse_macro_input};

/// The table that a user writes for one resource.
///
/// Derives `Debug`, `Clone`, `Serialize`, `Deserialize` and `JsonSchema`, refuses unknown fields, and implements `up_core::Spec`.
/// With `reads = PATH`, the SDK's type that answers describe the resource with, it also implements `up_core::FromAws` for that.
/// The attribute `#[spec(…)]` of a field takes:
///
/// - what a change to it costs: `replace`, `initial` or `name`; without them AWS changes it in place;
/// - what its references mean: `deferred`, `detachable`, `loose`, `shared`, `confined`; and `write_only` (`up_core::Field` has the
///   meaning of each);
/// - `default`: it may be left out, and is then the type's default; `default = EXPRESSION`: that value. The reference and the
///   schema show it. A field of type `Option` may always be left out;
/// - for `reads`: `member` and `unmirrored`, as in [`macro@part`]; `from = FUNCTION` makes the field of an `Option` of the member.
#[proc_macro_attribute]
pub fn spec(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let (arguments, item) = (parse_macro_input!(arguments), parse_macro_input!(item));
    table::spec(&arguments, item).unwrap_or_else(Error::into_compile_error).into()
}

/// A table inside a spec.
///
/// Derives `Debug`, `Clone`, `PartialEq`, `Serialize`, `Deserialize` and `JsonSchema`, and refuses unknown fields. Its arguments are
/// further traits to derive (`Eq, PartialOrd, Ord`; `Default` is the value of a table in which nothing is written), and
/// `mirrors = PATH`: the SDK's type that has the same members. The struct then implements `up_core::ToAws` and
/// `up_core::FromAws` for it. Where the SDK has one type for calls and another for answers, `sends = PATH` and `reads = PATH` name
/// them. The attribute `#[spec(…)]` of a field takes:
///
/// - `default` and `default = EXPRESSION`, as in [`macro@spec`]. A member that AWS leaves out is read as this default;
/// - `member = NAME`: the member's name in the SDK, where it differs from the field's;
/// - `attribute = "arn"`: a reference is sent as this attribute of its target, not as its id;
/// - `omit_default`: it is not sent while it is at its default;
/// - `with = PATH`: a module whose `to_aws` and `from_aws` convert it, where the member has another form;
/// - `unmirrored`: the SDK's type has no such member. It is read as its default.
#[proc_macro_attribute]
pub fn part(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let (arguments, item) = (parse_macro_input!(arguments), parse_macro_input!(item));
    table::part(&arguments, item).unwrap_or_else(Error::into_compile_error).into()
}

/// `fill!(call, cx, self: one, two)` sets members of a call from the fields of the same names. Fields that are `None`, and empty
/// lists, are left out. `one as other` sets the member `other`.
#[proc_macro]
pub fn fill(input: TokenStream) -> TokenStream {
    call::fill(&parse_macro_input!(input)).into()
}

/// `fill_changed!(call, cx, self, observed: one, two)` sets members of a call from those fields of the first that differ from the
/// second's. A list that has become empty is sent empty; what has become `None` is not set.
#[proc_macro]
pub fn fill_changed(input: TokenStream) -> TokenStream {
    call::fill_changed(&parse_macro_input!(input)).into()
}
