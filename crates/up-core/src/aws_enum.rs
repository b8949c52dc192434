//! AWS's enumerations, in AWS's spelling.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

/// Defines enumerations in AWS's spelling. The schema lists their values, so that those in a stack are checked; calls send and
/// receive them as text.
///
/// A value from AWS that this version does not know is kept as text: it shows as a difference, and does not fail the read.
///
/// ```
/// up_core::aws_enum! {
///     /// Who can reach it.
///     Scheme {
///         /// Anyone on the internet.
///         InternetFacing = "internet-facing",
///         /// Whoever is in the network.
///         Internal = "internal",
///     }
/// }
/// assert_eq!(Scheme::Internal.as_str(), "internal");
/// assert_eq!(Scheme::observed("internal"), Scheme::Internal);
/// assert_eq!(Scheme::observed("private").as_str(), "private");
/// ```
#[macro_export]
macro_rules! aws_enum {
    ($($(#[$about:meta])* $visible:vis $name:ident { $($(#[$meta:meta])* $word:ident = $text:literal,)* })*) => {$(
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        $visible enum $name {
            $($(#[$meta])* $word,)*
            /// A value that this version does not know.
            Unknown(&'static str),
        }

        impl $name {
            /// AWS's spelling.
            $visible fn as_str(self) -> &'static str {
                match self {
                    $(Self::$word => $text,)*
                    Self::Unknown(text) => text,
                }
            }

            /// The value that AWS returned.
            $visible fn observed(text: &str) -> Self {
                match text {
                    $($text => Self::$word,)*
                    _ => Self::Unknown($crate::interned(text)),
                }
            }
        }

        impl<A: for<'a> From<&'a str>> $crate::ToAws<A> for $name {
            fn to_aws(&self, _: &$crate::Context) -> $crate::Result<Option<A>> {
                Ok(Some(self.as_str().into()))
            }
        }

        impl<A: AsRef<str>> $crate::FromAws<A> for $name {
            fn from_aws(answer: A) -> $crate::Result<Self> {
                Ok(Self::observed(answer.as_ref()))
            }
        }

        /// The words that a stack may declare.
        impl ::schemars::JsonSchema for $name {
            fn schema_name() -> ::std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn schema_id() -> ::std::borrow::Cow<'static, str> {
                concat!(module_path!(), "::", stringify!($name)).into()
            }

            fn json_schema(generator: &mut ::schemars::SchemaGenerator) -> ::schemars::Schema {
                $(#[$about])*
                #[derive(::schemars::JsonSchema)]
                #[expect(dead_code, reason = "only its schema is used")]
                enum Known {
                    $($(#[$meta])* #[schemars(rename = $text)] $word,)*
                }
                Known::json_schema(generator)
            }
        }

        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> ::std::result::Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> ::std::result::Result<Self, D::Error> {
                let text = <::std::borrow::Cow<'de, str> as ::serde::Deserialize>::deserialize(deserializer)?;
                Ok(Self::observed(&text))
            }
        }
    )*};
}

/// The one copy of a text that lives as long as the program: of AWS's words there are few.
#[doc(hidden)]
pub fn interned(text: &str) -> &'static str {
    static WORDS: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut words = WORDS.lock().unwrap_or_else(PoisonError::into_inner);
    match words.get(text) {
        Some(known) => known,
        None => {
            let kept: &'static str = Box::leak(text.to_owned().into_boxed_str());
            words.insert(kept);
            kept
        }
    }
}
