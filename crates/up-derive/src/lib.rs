//! `#[derive(Spec)]`: writes down, for each field of a spec, what a change to it costs.
//!
//! This is the only macro of its sort in the project, and it does one thing: turn `#[spec(replace)]` next to a field
//! into a row of `Spec::FIELDS`. A misspelt policy is a compile error.

use proc_macro::TokenStream;
use quote::quote;
use syn::{
    Data, DeriveInput, Error, Field, Fields, Ident, Result, ext::IdentExt, parse_macro_input, punctuated::Punctuated,
};

/// Implements `up_core::Spec` from the `#[spec(…)]` attributes of a struct's fields.
#[proc_macro_derive(Spec, attributes(spec))]
pub fn derive_spec(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand(&input).unwrap_or_else(Error::into_compile_error).into()
}

fn expand(input: &DeriveInput) -> Result<proc_macro2::TokenStream> {
    let Data::Struct(data) = &input.data else {
        return Err(Error::new_spanned(input, "a spec is a struct"));
    };
    let Fields::Named(fields) = &data.fields else {
        return Err(Error::new_spanned(input, "a spec has named fields"));
    };
    let rows = fields.named.iter().map(row).collect::<Result<Vec<_>>>()?;
    let spec = &input.ident;
    Ok(quote! {
        impl ::up_core::Spec for #spec {
            const FIELDS: &'static [::up_core::Field] = &[#(#rows),*];
        }
    })
}

fn row(field: &Field) -> Result<proc_macro2::TokenStream> {
    let (mut change, mut binding) = (quote!(Update), quote!(Firm));
    let (mut deferred, mut shared, mut confined, mut write_only) = (false, false, false, false);
    for attr in field.attrs.iter().filter(|attr| attr.path().is_ident("spec")) {
        for policy in attr.parse_args_with(Punctuated::<Ident, syn::Token![,]>::parse_terminated)? {
            match policy.to_string().as_str() {
                "replace" => change = quote!(Replace),
                "initial" => change = quote!(Initial),
                "name" => change = quote!(Name),
                // What may be set later may be removed as well.
                "deferred" => (deferred, binding) = (true, quote!(Detachable)),
                "detachable" => binding = quote!(Detachable),
                "loose" => binding = quote!(Loose),
                "shared" => shared = true,
                "confined" => confined = true,
                "write_only" => write_only = true,
                _ => {
                    let expected = "expected `replace`, `initial`, `name`, `deferred`, `detachable`, `loose`, `shared`, `confined` or `write_only`";
                    return Err(Error::new_spanned(policy, expected));
                }
            }
        }
    }
    let name = field.ident.as_ref().expect("named").unraw().to_string();
    Ok(quote!(::up_core::Field {
        deferred: #deferred,
        binding: ::up_core::Binding::#binding,
        is_shared: #shared,
        is_confined: #confined,
        is_write_only: #write_only,
        ..::up_core::Field::new(#name, ::up_core::Change::#change)
    }))
}
