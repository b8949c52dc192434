//! What `#[spec(…)]` says of a field.

use quote::{ToTokens, format_ident};
use syn::{
    Error, Expr, Field, Ident, LitStr, Path, Result, Token, Type,
    ext::IdentExt,
    parse::{Parse, ParseStream},
    punctuated::Punctuated,
};

/// A field with the words of its `#[spec(…)]`, which are no longer among its attributes.
pub(crate) struct Described {
    pub(crate) field: Field,
    words: Vec<Word>,
}

/// One word of `#[spec(…)]`: `replace`, or `default = 80`.
struct Word {
    name: Ident,
    value: Option<Expr>,
}

impl Parse for Word {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let name = input.call(Ident::parse_any)?;
        let value = input.parse::<Option<Token![=]>>()?.map(|_| value(input)).transpose()?;
        Ok(Self { name, value })
    }
}

/// A member may have the name of a keyword: `type`.
fn value(input: ParseStream<'_>) -> Result<Expr> {
    if input.peek(Token![type]) {
        let name = input.call(Ident::parse_any)?;
        let raw = Ident::new_raw(&name.to_string(), name.span());
        return Ok(syn::parse_quote!(#raw));
    }
    input.parse()
}

impl Described {
    pub(crate) fn new(mut field: Field, allowed: &[&str]) -> Result<Self> {
        let mut words = Vec::new();
        for attribute in field.attrs.iter().filter(|attribute| attribute.path().is_ident("spec")) {
            words.extend(attribute.parse_args_with(Punctuated::<Word, Token![,]>::parse_terminated)?);
        }
        field.attrs.retain(|attribute| !attribute.path().is_ident("spec"));
        match words.iter().find(|word| !allowed.contains(&word.name.to_string().as_str())) {
            Some(word) => Err(Error::new_spanned(&word.name, format!("expected one of `{}`", allowed.join("`, `")))),
            None => Ok(Self { field, words }),
        }
    }

    pub(crate) fn name(&self) -> &Ident {
        self.field.ident.as_ref().expect("a named field")
    }

    pub(crate) fn has(&self, word: &str) -> bool {
        self.words.iter().any(|it| it.name == word)
    }

    /// The words that say what a change costs and what references mean.
    pub(crate) fn words(&self) -> impl Iterator<Item = &Ident> {
        self.words.iter().map(|word| &word.name)
    }

    fn value(&self, word: &str) -> Option<&Expr> {
        self.words.iter().find(|it| it.name == word)?.value.as_ref()
    }

    /// The value after `default =`. None where the type's own default is meant.
    pub(crate) fn default(&self) -> Option<&Expr> {
        self.value("default")
    }

    /// The function that gives the field's default.
    pub(crate) fn default_function(&self) -> Ident {
        format_ident!("default_{}", self.name().unraw())
    }

    pub(crate) fn is_option(&self) -> bool {
        let Type::Path(path) = &self.field.ty else { return false };
        path.path.segments.last().is_some_and(|last| last.ident == "Option")
    }

    /// The member's name in the SDK.
    pub(crate) fn member(&self) -> Result<Ident> {
        match self.value("member") {
            Some(name) => syn::parse2(name.to_token_stream()),
            None => Ok(self.name().clone()),
        }
    }

    pub(crate) fn attribute(&self) -> Result<Option<LitStr>> {
        self.value("attribute").map(|name| syn::parse2(name.to_token_stream())).transpose()
    }

    /// The function that makes the field of the member.
    pub(crate) fn from(&self) -> Option<&Expr> {
        self.value("from")
    }

    pub(crate) fn with(&self) -> Result<Option<Path>> {
        self.value("with").map(|path| syn::parse2(path.to_token_stream())).transpose()
    }
}
