//! What the crates of services repeat about tags, as macros.

/// Defines, for one SDK's type of tags, `list(&Tags)`, which gives them as its calls take them, and `tags(Option<Vec<_>>)`, which
/// reads them from its answers, AWS's own left out.
///
/// ```ignore
/// up_core::tags!(aws_sdk_ec2::types::Tag);
/// // Where the SDK demands a key and a value, and always has both.
/// up_core::tags!(aws_sdk_sns::types::Tag, required);
/// ```
#[macro_export]
macro_rules! tags {
    ($tag:ty) => {
        $crate::tags!(@ $tag, |tag| tag, |tag| Some((tag.key?, tag.value.unwrap_or_default())));
    };
    ($tag:ty, required) => {
        $crate::tags!(@ $tag, |tag| tag.expect("it has a key and a value"), |tag| Some((tag.key, tag.value)));
    };
    (@ $tag:ty, $built:expr, $pair:expr) => {
        fn list(tags: &$crate::Tags) -> Vec<$tag> {
            tags.iter().map(|(key, value)| <$tag>::builder().key(key).value(value).build()).map($built).collect()
        }

        fn tags(tags: Option<Vec<$tag>>) -> $crate::Tags {
            let pair: fn($tag) -> Option<(String, String)> = $pair;
            tags.into_iter().flatten().filter_map(pair).filter(|(key, _)| !key.starts_with("aws:")).collect()
        }
    };
}

/// Defines `retag`, see [`crate::Tagging`], for a service with AWS's usual two calls: `TagResource` and `UntagResource`, with an ARN.
/// The argument turns [`crate::Tags`] into what `TagResource` takes.
///
/// ```ignore
/// up_core::tag_resource!(list);
/// ```
#[macro_export]
macro_rules! tag_resource {
    ($taken:expr) => {
        /// Changes the tags of what an ARN names. Safe to repeat: tags are set, not added.
        fn retag<'a>(cx: &'a $crate::Context, arn: &'a str, change: &'a $crate::TagChange) -> $crate::Later<'a, ()> {
            Box::pin(async move {
                if !change.set.is_empty() {
                    client(cx).tag_resource().resource_arn(arn).set_tags(Some($taken(&change.set))).send().await?;
                }
                if !change.remove.is_empty() {
                    let keys = change.remove.iter().cloned().collect();
                    client(cx).untag_resource().resource_arn(arn).set_tag_keys(Some(keys)).send().await?;
                }
                Ok(())
            })
        }
    };
}
