//! A struct that has the same members as an SDK's type: written and read member by member.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Ident, Path, Result, ext::IdentExt};

use crate::field::Described;

/// `ToAws` for the SDK's type.
pub(crate) fn sends(name: &Ident, sdk: &Path, fields: &[Described]) -> Result<TokenStream> {
    let mirrored = fields.iter().filter(|it| !it.has("unmirrored"));
    let set = mirrored.map(set).collect::<Result<Vec<_>>>()?;
    Ok(quote! {
        impl ::up_core::ToAws<#sdk> for #name {
            fn to_aws(&self, cx: &::up_core::Context) -> ::up_core::Result<::std::option::Option<#sdk>> {
                let _ = cx;
                let builder = #sdk::builder();
                #(let builder = #set;)*
                ::up_core::mirror::Built::<#sdk>::built(builder.build()).map(::std::option::Option::Some)
            }
        }
    })
}

/// `FromAws` for the SDK's type.
pub(crate) fn reads(name: &Ident, sdk: &Path, fields: &[Described]) -> Result<TokenStream> {
    let of = sdk.segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
    let read = fields.iter().map(|it| read(it, &of)).collect::<Result<Vec<_>>>()?;
    Ok(quote! {
        impl ::up_core::FromAws<#sdk> for #name {
            fn from_aws(answer: #sdk) -> ::up_core::Result<Self> {
                #[allow(unused_imports, clippy::allow_attributes, reason = "not every type has a member that is required")]
                use ::up_core::mirror::Required as _;
                ::std::result::Result::Ok(Self { #(#read),* })
            }
        }
    })
}

/// `builder.set_port(…)`.
fn set(it: &Described) -> Result<TokenStream> {
    let field = it.name();
    let setter = format_ident!("set_{}", it.member()?.unraw());
    let value = match (it.with()?, it.attribute()?) {
        (Some(with), _) => quote!(#with::to_aws(&self.#field, cx)?),
        (None, Some(attribute)) => quote!(::std::option::Option::Some(cx.attr(&self.#field, #attribute)?)),
        (None, None) => quote!(::up_core::mirror::sent(&self.#field, cx)?),
    };
    let omits = it.has("omit_default").then(|| {
        let default = default(it);
        quote!(if self.#field == #default { ::std::option::Option::None } else)
    });
    let value = if omits.is_some() { quote!({ #value }) } else { value };
    Ok(quote!(builder.#setter(#omits #value)))
}

/// `port: …`.
fn read(it: &Described, of: &str) -> Result<TokenStream> {
    let (field, member) = (it.name(), it.member()?);
    let default = default(it);
    if it.has("unmirrored") {
        return Ok(quote!(#field: #default));
    }
    let answer = quote!(::up_core::mirror::Member(answer.#member).value());
    if let Some(with) = it.with()? {
        return Ok(quote!(#field: #with::from_aws(#answer)?));
    }
    let what = format!("{} of a {of}", it.member()?.unraw());
    Ok(match it.has("default") {
        true => quote!(#field: ::up_core::mirror::read_or(#answer, || #default)?),
        false => quote!(#field: ::up_core::mirror::read(#answer, #what)?),
    })
}

fn default(it: &Described) -> TokenStream {
    let (function, ty) = (it.default_function(), &it.field.ty);
    if it.default().is_some() { quote!(Self::#function()) } else { quote!(<#ty as ::std::default::Default>::default()) }
}
