//! What `#[part(mirrors = …)]`, `fill!` and `fill_changed!` write, with a type and a call built as the SDK's are.

use std::collections::{BTreeMap, BTreeSet};

use aws_types::SdkConfig;
use up_core::{Context, Meter, mirror, prelude::*};

/// As the SDK has types: one whose builder cannot fail, and one whose builder demands a member.
mod sdk {
    use std::collections::HashMap;

    use aws_smithy_types::error::operation::BuildError;

    macro_rules! setters {
        ($($setter:ident $field:ident: $type:ty),*) => {$(
            pub(crate) fn $setter(mut self, value: Option<$type>) -> Self {
                self.$field = value;
                self
            }
        )*};
    }

    #[derive(Debug, Default, Clone, PartialEq)]
    pub(crate) struct Check {
        pub(crate) r#type: Option<String>,
        pub(crate) port: Option<i32>,
        pub(crate) retries: Option<i32>,
        pub(crate) paths: Option<Vec<String>>,
        pub(crate) labels: Option<HashMap<String, String>>,
        pub(crate) limit: Option<Limit>,
        pub(crate) percent: Option<String>,
    }

    impl Check {
        pub(crate) fn builder() -> Self {
            Self::default()
        }

        setters!(set_type r#type: String, set_port port: i32, set_retries retries: i32, set_paths paths: Vec<String>);
        setters!(set_labels labels: HashMap<String, String>, set_limit limit: Limit, set_percent percent: String);

        pub(crate) fn build(self) -> Self {
            self
        }
    }

    #[derive(Debug, Clone, PartialEq)]
    pub(crate) struct Limit {
        pub(crate) soft: i32,
    }

    #[derive(Default)]
    pub(crate) struct LimitBuilder {
        soft: Option<i32>,
    }

    impl Limit {
        pub(crate) fn builder() -> LimitBuilder {
            LimitBuilder::default()
        }
    }

    impl LimitBuilder {
        setters!(set_soft soft: i32);

        pub(crate) fn build(self) -> Result<Limit, BuildError> {
            let missing = || BuildError::missing_field("soft", "a limit has one");
            Ok(Limit { soft: self.soft.ok_or_else(missing)? })
        }
    }
}

#[part(Eq, Default, mirrors = sdk::Check)]
struct Check {
    /// Another name in the SDK.
    #[spec(default = "http".into(), member = type)]
    protocol: String,
    /// Without a default.
    port: Option<u16>,
    /// Not sent at its default.
    #[spec(default = 3, omit_default)]
    retries: u32,
    /// A set.
    #[spec(default)]
    paths: BTreeSet<String>,
    /// A map.
    #[spec(default)]
    labels: BTreeMap<String, String>,
    /// A table in it.
    limit: Option<Limit>,
    /// In another form.
    #[spec(default = 50, with = percent)]
    percent: u32,
    /// Not of AWS.
    #[spec(default = true, unmirrored)]
    is_ours: bool,
}

#[part(Eq, mirrors = sdk::Limit)]
struct Limit {
    /// AWS always sends it.
    soft: u32,
}

mod percent {
    use up_core::{Context, Result};

    pub(crate) fn to_aws(percent: &u32, _: &Context) -> Result<Option<String>> {
        Ok(Some(format!("{percent}%")))
    }

    pub(crate) fn from_aws(percent: Option<String>) -> Result<u32> {
        Ok(percent.and_then(|text| text.trim_end_matches('%').parse().ok()).unwrap_or_default())
    }
}

fn context() -> Context {
    Context::new(SdkConfig::builder().build(), "111122223333", Meter::default())
}

fn check() -> Check {
    Check {
        port: Some(80),
        limit: Some(Limit { soft: 7 }),
        paths: ["/b".into(), "/a".into()].into(),
        ..Check::default()
    }
}

#[test]
fn a_table_is_sent_and_read_back_the_same() {
    let sent: sdk::Check = check().to_aws(&context()).unwrap().unwrap();
    let expected = sdk::Check {
        r#type: Some("http".into()),
        port: Some(80),
        paths: Some(vec!["/a".into(), "/b".into()]),
        limit: Some(sdk::Limit { soft: 7 }),
        percent: Some("50%".into()),
        ..sdk::Check::default()
    };
    assert_eq!(sent, expected);
    assert_eq!(Check::from_aws(sent).unwrap(), check());
}

#[test]
fn a_default_is_one_place() {
    let written: Check = serde_json::from_str("{}").unwrap();
    assert_eq!(written, Check::default());
    let answered = sdk::Check { percent: Some("50%".into()), ..sdk::Check::default() };
    assert_eq!(Check::from_aws(answered).unwrap(), written);
    assert_eq!((written.retries, written.is_ours), (Check::default_retries(), true));
}

#[test]
fn what_cannot_be_is_no_answer() {
    let error = Check::from_aws(sdk::Check { port: Some(-1), ..sdk::Check::default() }).unwrap_err();
    assert_eq!((error.kind, error.message.as_str()), (ErrorKind::Ambiguous, "AWS returned an invalid number: -1"));
    let unknown = serde_json::from_str::<Check>(r#"{"colour": "red"}"#).unwrap_err();
    assert!(unknown.to_string().starts_with("unknown field `colour`"), "{unknown}");
}

#[test]
fn a_call_has_what_is_said_and_an_update_what_differs() {
    let (cx, bare) = (context(), Check { labels: [("a".into(), "b".into())].into(), ..Check::default() });
    let call = |desired: &Check, observed: Option<&Check>| -> Result<sdk::Check> {
        Ok(match observed {
            None => fill!(sdk::Check::default(), &cx, desired: protocol as type, port, retries, paths, labels, limit),
            Some(observed) => {
                fill_changed!(sdk::Check::default(), &cx, desired, observed: protocol as type, port, paths, labels, limit)
            }
        })
    };
    let made = call(&bare, None).unwrap();
    assert_eq!((made.r#type.as_deref(), made.port, made.retries, made.paths), (Some("http"), None, Some(3), None));
    assert_eq!(call(&bare, Some(&bare)).unwrap(), sdk::Check::default());
    let changed = call(&bare, Some(&check())).unwrap();
    // A list that is empty now is sent; what is left to AWS is not.
    assert_eq!((changed.paths, changed.port, changed.limit), (Some(vec![]), None, None));
    assert_eq!(changed.labels.map(|labels| labels.len()), Some(1));
}

#[test]
fn what_aws_always_sends_is_missed() {
    let error = mirror::read::<i32, u16>(None, "port of a Check").unwrap_err();
    assert_eq!(error.message, "AWS sent no port of a Check");
}
