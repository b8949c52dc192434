//! `#[spec]` and `#[part]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{
    Error, Fields, Ident, ItemStruct, Path, Result, Token,
    ext::IdentExt,
    parse::{Nothing, Parse, ParseStream},
};

use crate::{field::Described, mirror};

const COSTS: [&str; 10] =
    ["replace", "initial", "name", "deferred", "detachable", "loose", "shared", "confined", "write_only", "default"];
const OF_PARTS: [&str; 6] = ["default", "member", "attribute", "omit_default", "with", "unmirrored"];

pub(crate) fn spec(_: &Nothing, item: ItemStruct) -> Result<TokenStream> {
    let fields = described(&item, &COSTS)?;
    let rows = fields.iter().map(row);
    let (name, derives) =
        (item.ident.clone(), quote!(Debug, Clone, ::serde::Serialize, ::serde::Deserialize, ::schemars::JsonSchema));
    let rows = quote! {
        impl ::up_core::Spec for #name {
            const FIELDS: &'static [::up_core::Field] = &[#(#rows),*];
        }
    };
    let table = table(item, &fields, &derives);
    Ok(quote!(#table #rows))
}

/// What `#[part(…)]` says of a struct.
pub(crate) struct Part {
    derives: Vec<Ident>,
    sends: Option<Path>,
    reads: Option<Path>,
}

impl Parse for Part {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut part = Self { derives: Vec::new(), sends: None, reads: None };
        while !input.is_empty() {
            let word: Ident = input.parse()?;
            let is_path = ["mirrors", "sends", "reads"].iter().any(|known| word == known);
            let path = is_path.then(|| input.parse::<Token![=]>().and_then(|_| input.parse::<Path>())).transpose()?;
            match path {
                Some(path) if word == "sends" => part.sends = Some(path),
                Some(path) if word == "reads" => part.reads = Some(path),
                Some(path) => (part.sends, part.reads) = (Some(path.clone()), Some(path)),
                None => part.derives.push(word),
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(part)
    }
}

pub(crate) fn part(part: &Part, item: ItemStruct) -> Result<TokenStream> {
    let fields = described(&item, &OF_PARTS)?;
    let name = item.ident.clone();
    let derived = part.derives.iter().filter(|derived| *derived != "Default");
    let derives = quote! {
        Debug, Clone, PartialEq, ::serde::Serialize, ::serde::Deserialize, ::schemars::JsonSchema #(, #derived)*
    };
    let has_default = part.derives.iter().any(|derived| derived == "Default");
    let default = has_default.then(|| default(&name, &fields)).transpose()?;
    let sends = part.sends.as_ref().map(|path| mirror::sends(&name, path, &fields)).transpose()?;
    let reads = part.reads.as_ref().map(|path| mirror::reads(&name, path, &fields)).transpose()?;
    let table = table(item, &fields, &derives);
    Ok(quote!(#table #default #sends #reads))
}

fn described(item: &ItemStruct, allowed: &[&str]) -> Result<Vec<Described>> {
    match &item.fields {
        Fields::Named(fields) => fields.named.iter().map(|field| Described::new(field.clone(), allowed)).collect(),
        _ => Err(Error::new_spanned(item, "a table has named fields")),
    }
}

/// The struct as serde and schemars read it, and a function for each default.
fn table(mut item: ItemStruct, fields: &[Described], derives: &TokenStream) -> TokenStream {
    let (name, visible) = (item.ident.clone(), item.vis.clone());
    let described = fields.iter().map(|it| {
        let field = &it.field;
        let path = format!("{name}::{}", it.default_function());
        let default = it.has("default").then(|| match it.default() {
            Some(_) => quote!(#[serde(default = #path)]),
            None => quote!(#[serde(default)]),
        });
        quote!(#default #field)
    });
    item.fields = Fields::Named(syn::parse_quote!({ #(#described),* }));
    let functions = fields.iter().filter_map(|it| {
        let (function, ty, value) = (it.default_function(), &it.field.ty, it.default()?);
        let about = format!("The default of `{}`.", it.name().unraw());
        Some(quote!(#[doc = #about] #visible fn #function() -> #ty { #value }))
    });
    let functions: Vec<_> = functions.collect();
    let functions = (!functions.is_empty()).then(|| quote!(impl #name { #(#functions)* }));
    quote! {
        #[derive(#derives)]
        #[serde(deny_unknown_fields)]
        #item
        #functions
    }
}

/// The value of a table in which nothing is written.
fn default(name: &Ident, fields: &[Described]) -> Result<TokenStream> {
    let values = fields.iter().map(|it| {
        let (field, function) = (it.name(), it.default_function());
        match (it.default(), it.has("default") || it.is_option()) {
            (Some(_), _) => Ok(quote!(#field: Self::#function())),
            (None, true) => Ok(quote!(#field: ::std::default::Default::default())),
            (None, false) => Err(Error::new_spanned(&it.field, "a table with `Default` has a default for each field")),
        }
    });
    let values = values.collect::<Result<Vec<_>>>()?;
    Ok(quote! {
        impl ::std::default::Default for #name {
            fn default() -> Self {
                Self { #(#values),* }
            }
        }
    })
}

/// A row of `Spec::FIELDS`.
fn row(field: &Described) -> TokenStream {
    let (mut change, mut binding) = (quote!(Update), quote!(Firm));
    for word in field.words() {
        match word.to_string().as_str() {
            "replace" => change = quote!(Replace),
            "initial" => change = quote!(Initial),
            "name" => change = quote!(Name),
            // What may be set later may be removed as well.
            "deferred" | "detachable" => binding = quote!(Detachable),
            "loose" => binding = quote!(Loose),
            _ => {}
        }
    }
    let [deferred, shared, confined, write_only] =
        ["deferred", "shared", "confined", "write_only"].map(|it| field.has(it));
    let name = field.name().unraw().to_string();
    quote!(::up_core::Field {
        deferred: #deferred,
        binding: ::up_core::Binding::#binding,
        is_shared: #shared,
        is_confined: #confined,
        is_write_only: #write_only,
        ..::up_core::Field::new(#name, ::up_core::Change::#change)
    })
}
