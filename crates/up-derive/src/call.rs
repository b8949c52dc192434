//! `fill!` and `fill_changed!`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{
    Expr, Ident, Result, Token,
    ext::IdentExt,
    parse::{Parse, ParseStream},
    punctuated::Punctuated,
};

/// `call, cx, self: one, two`, or `call, cx, self, observed: one, two`.
pub(crate) struct Call {
    heads: Vec<Expr>,
    fields: Punctuated<Ident, Token![,]>,
}

impl Parse for Call {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut heads = vec![input.parse()?];
        while input.parse::<Option<Token![,]>>()?.is_some() {
            heads.push(input.parse()?);
        }
        input.parse::<Token![:]>()?;
        let fields = input.call(|input| Punctuated::parse_terminated_with(input, Ident::parse_any))?;
        Ok(Self { heads, fields })
    }
}

pub(crate) fn fill(call: &Call) -> TokenStream {
    let [builder, cx, this] = &call.heads[..] else { return usage("fill!(call, cx, self: field, …)") };
    set(builder, &call.fields, |field| quote!(::up_core::mirror::sent(&#this.#field, #cx)?))
}

pub(crate) fn fill_changed(call: &Call) -> TokenStream {
    let [builder, cx, this, observed] = &call.heads[..] else {
        return usage("fill_changed!(call, cx, self, observed: field, …)");
    };
    let changed = |field: &Ident| quote!(::up_core::mirror::changed(&#this.#field, &#observed.#field, #cx)?);
    set(builder, &call.fields, changed)
}

fn set<'a>(
    builder: &Expr,
    fields: impl IntoIterator<Item = &'a Ident>,
    value: impl Fn(&Ident) -> TokenStream,
) -> TokenStream {
    let set = fields.into_iter().map(|field| {
        let name = field.unraw();
        let (setter, value) = (format_ident!("set_{name}"), value(field));
        quote!(.#setter(#value))
    });
    quote!(#builder #(#set)*)
}

fn usage(message: &str) -> TokenStream {
    quote!(compile_error!(#message))
}
