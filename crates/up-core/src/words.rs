//! AWS's enumerations, in AWS's spelling.

/// Defines enumerations of words as AWS spells them: checked when a stack is read, listed in its schema, and turned to
/// and from the text that calls take and give.
///
/// ```
/// up_core::words! {
///     /// Who can reach it.
///     Scheme {
///         /// Anyone on the internet.
///         InternetFacing = "internet-facing",
///         /// Whoever is in the network.
///         Internal = "internal",
///     }
/// }
/// assert_eq!(Scheme::Internal.as_str(), "internal");
/// assert_eq!(Scheme::seen("internal").unwrap(), Scheme::Internal);
/// ```
#[macro_export]
macro_rules! words {
    ($($(#[$about:meta])* $visible:vis $name:ident { $($(#[$meta:meta])* $word:ident = $text:literal,)* })*) => {$(
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        #[derive(::serde::Serialize, ::serde::Deserialize, ::schemars::JsonSchema)]
        $visible enum $name {
            $($(#[$meta])* #[serde(rename = $text)] $word,)*
        }

        impl $name {
            /// AWS's spelling.
            $visible fn as_str(self) -> &'static str {
                match self {
                    $(Self::$word => $text,)*
                }
            }

            /// What AWS says.
            $visible fn seen(text: &str) -> $crate::Result<Self> {
                match text {
                    $($text => Ok(Self::$word),)*
                    _ => Err($crate::Error::absent(&format!("{} this program knows, but `{text}`", stringify!($name)))),
                }
            }
        }
    )*};
}
