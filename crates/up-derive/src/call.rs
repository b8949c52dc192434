//! `fill!` and `fill_changed!`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{
    Expr, Ident, Result, Token,
    ext::IdentExt,
    parse::{Parse, ParseStream},
    punctuated::Punctuated,
};

/// `call, cx, self: one, two as three`, or `call, cx, self, observed: one, two as three`.
pub(crate) struct Call {
    heads: Vec<Expr>,
    members: Punctuated<Member, Token![,]>,
}

/// A field, and the member of the call that it sets.
struct Member {
    field: Ident,
    member: Ident,
}

impl Parse for Member {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let field = input.call(Ident::parse_any)?;
        let other = input.parse::<Option<Token![as]>>()?.map(|_| input.call(Ident::parse_any)).transpose()?;
        Ok(Self { member: other.unwrap_or_else(|| field.clone()), field })
    }
}

impl Parse for Call {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut heads = vec![input.parse()?];
        while input.parse::<Option<Token![,]>>()?.is_some() {
            heads.push(input.parse()?);
        }
        input.parse::<Token![:]>()?;
        Ok(Self { heads, members: Punctuated::parse_terminated(input)? })
    }
}

pub(crate) fn fill(call: &Call) -> TokenStream {
    let [builder, cx, this] = &call.heads[..] else { return usage("fill!(call, cx, self: field, …)") };
    set(builder, &call.members, |field| quote!(::up_core::mirror::sent(&#this.#field, #cx)?))
}

pub(crate) fn fill_changed(call: &Call) -> TokenStream {
    let [builder, cx, this, observed] = &call.heads[..] else {
        return usage("fill_changed!(call, cx, self, observed: field, …)");
    };
    let changed = |field: &Ident| quote!(::up_core::mirror::changed(&#this.#field, &#observed.#field, #cx)?);
    set(builder, &call.members, changed)
}

fn set<'a>(
    builder: &Expr,
    members: impl IntoIterator<Item = &'a Member>,
    value: impl Fn(&Ident) -> TokenStream,
) -> TokenStream {
    let set = members.into_iter().map(|Member { field, member }| {
        let (setter, value) = (format_ident!("set_{}", member.unraw()), value(field));
        quote!(.#setter(#value))
    });
    quote!(#builder #(#set)*)
}

fn usage(message: &str) -> TokenStream {
    quote!(compile_error!(#message))
}
