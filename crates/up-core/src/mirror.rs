//! Values of a spec as an SDK takes them, and read back: what [`up_derive::part`] and [`up_derive::fill`] write is made of these.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
};

use aws_smithy_types::error::operation::BuildError;

use crate::{Cidr, Context, Error, Name, PolicyDocument, Ref, Result};

/// A value that calls take as an `A`.
pub trait ToAws<A> {
    /// The value to send. `None` where there is none.
    ///
    /// # Errors
    /// When AWS has no number that large, and when a reference's target is not known.
    fn to_aws(&self, cx: &Context) -> Result<Option<A>>;

    /// True where it says no more than leaving it out: an empty list.
    fn is_empty(&self) -> bool {
        false
    }
}

/// A value that answers hold as an `A`.
pub trait FromAws<A>: Sized {
    /// The value of an answer.
    ///
    /// # Errors
    /// When AWS sent something that cannot be.
    fn from_aws(answer: A) -> Result<Self>;

    /// What it means that AWS left it out; `None`: that the answer is no answer.
    fn absent() -> Option<Self> {
        None
    }
}

/// What to set of a call: nothing where the list is empty.
///
/// # Errors
/// As [`ToAws::to_aws`].
pub fn sent<A, T: ToAws<A>>(value: &T, cx: &Context) -> Result<Option<A>> {
    if value.is_empty() { Ok(None) } else { value.to_aws(cx) }
}

/// What to set of a call that changes a resource: nothing where AWS has the value already.
///
/// # Errors
/// As [`ToAws::to_aws`].
pub fn changed<A: PartialEq, T: ToAws<A>>(desired: &T, observed: &T, cx: &Context) -> Result<Option<A>> {
    let desired = desired.to_aws(cx)?;
    // A target that the live resource refers to may not exist any more.
    let differs = observed.to_aws(cx).map_or(true, |observed| observed != desired);
    Ok(desired.filter(|_| differs))
}

/// What a call that adds to a list, or takes away from it, is sent: what `list` holds and `other` does not. `None`: nothing.
///
/// # Errors
/// As [`ToAws::to_aws`].
pub fn beyond<A: PartialEq, T: ToAws<Vec<A>>>(list: &T, other: &T, cx: &Context) -> Result<Option<Vec<A>>> {
    let (mut list, other) = (list.to_aws(cx)?.unwrap_or_default(), other.to_aws(cx)?.unwrap_or_default());
    list.retain(|item| !other.contains(item));
    Ok((!list.is_empty()).then_some(list))
}

/// What AWS always sends; an answer without it is no answer.
///
/// # Errors
/// When AWS left it out.
pub fn present<T>(answer: Option<T>, what: &str) -> Result<T> {
    answer.ok_or_else(|| Error::absent(what))
}

/// Reads what an answer holds. `what` names it where AWS left it out.
///
/// # Errors
/// When AWS left out what it always sends, or sent what cannot be.
pub fn read<A, T: FromAws<A>>(answer: Option<A>, what: &str) -> Result<T> {
    match answer {
        Some(answer) => T::from_aws(answer),
        None => present(T::absent(), what),
    }
}

/// Reads what an answer holds, where AWS leaves out a value that is at its default.
///
/// # Errors
/// When AWS sent what cannot be.
pub fn read_or<A, T: FromAws<A>>(answer: Option<A>, default: impl FnOnce() -> T) -> Result<T> {
    answer.map_or_else(|| Ok(default()), T::from_aws)
}

/// A member of an SDK's type, which is an `Option` unless AWS always sends it.
pub struct Member<T>(pub T);

impl<A> Member<Option<A>> {
    /// What AWS sent.
    pub fn value(self) -> Option<A> {
        self.0
    }
}

/// A member that is not an `Option`.
pub trait Required<A> {
    /// What AWS sent.
    fn value(self) -> Option<A>;
}

impl<A> Required<A> for Member<A> {
    fn value(self) -> Option<A> {
        Some(self.0)
    }
}

/// Reads a member of an answer by its name: `read!(service.platform_version)`.
#[macro_export]
macro_rules! read {
    ($answer:ident . $member:ident) => {{
        #[allow(unused_imports, clippy::allow_attributes, reason = "the member may be an Option")]
        use $crate::mirror::Required as _;
        $crate::mirror::read($crate::mirror::Member($answer.$member).value(), stringify!($member))
    }};
    ($answer:ident . $member:ident or $default:expr) => {{
        #[allow(unused_imports, clippy::allow_attributes, reason = "the member may be an Option")]
        use $crate::mirror::Required as _;
        $crate::mirror::read_or($crate::mirror::Member($answer.$member).value(), || $default)
    }};
}

/// What an SDK's builder gives: some of them fail where a required member is missing.
pub trait Built<A> {
    /// The value.
    ///
    /// # Errors
    /// When the kind left out what the SDK requires.
    fn built(self) -> Result<A>;
}

impl<A> Built<A> for A {
    fn built(self) -> Result<A> {
        Ok(self)
    }
}

impl<A> Built<A> for std::result::Result<A, BuildError> {
    fn built(self) -> Result<A> {
        Ok(self?)
    }
}

impl<A, T: ToAws<A>> ToAws<A> for Option<T> {
    fn to_aws(&self, cx: &Context) -> Result<Option<A>> {
        self.as_ref().map_or(Ok(None), |value| value.to_aws(cx))
    }
}

impl<A, T: FromAws<A>> FromAws<A> for Option<T> {
    fn from_aws(answer: A) -> Result<Self> {
        T::from_aws(answer).map(Some)
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

fn items<'a, A, T: ToAws<A> + 'a>(items: impl IntoIterator<Item = &'a T>, cx: &Context) -> Result<Vec<A>> {
    items.into_iter().filter_map(|item| item.to_aws(cx).transpose()).collect()
}

impl<A, T: ToAws<A>> ToAws<Vec<A>> for Vec<T> {
    fn to_aws(&self, cx: &Context) -> Result<Option<Vec<A>>> {
        items(self, cx).map(Some)
    }

    fn is_empty(&self) -> bool {
        self.is_empty()
    }
}

impl<A, T: FromAws<A>> FromAws<Vec<A>> for Vec<T> {
    fn from_aws(answer: Vec<A>) -> Result<Self> {
        answer.into_iter().map(T::from_aws).collect()
    }

    fn absent() -> Option<Self> {
        Some(Self::new())
    }
}

impl<A: fmt::Debug, T: ToAws<A>> ToAws<Vec<A>> for BTreeSet<T> {
    /// In an order that does not depend on how references are written, so that two sets compare as AWS takes them.
    fn to_aws(&self, cx: &Context) -> Result<Option<Vec<A>>> {
        let mut items = items(self, cx)?;
        items.sort_by_cached_key(|item| format!("{item:?}"));
        Ok(Some(items))
    }

    fn is_empty(&self) -> bool {
        self.is_empty()
    }
}

impl<A, T: FromAws<A> + Ord> FromAws<Vec<A>> for BTreeSet<T> {
    fn from_aws(answer: Vec<A>) -> Result<Self> {
        answer.into_iter().map(T::from_aws).collect()
    }

    fn absent() -> Option<Self> {
        Some(Self::new())
    }
}

impl ToAws<HashMap<String, String>> for BTreeMap<String, String> {
    fn to_aws(&self, _: &Context) -> Result<Option<HashMap<String, String>>> {
        Ok(Some(self.clone().into_iter().collect()))
    }

    fn is_empty(&self) -> bool {
        self.is_empty()
    }
}

impl FromAws<HashMap<String, String>> for BTreeMap<String, String> {
    fn from_aws(answer: HashMap<String, String>) -> Result<Self> {
        Ok(answer.into_iter().collect())
    }

    fn absent() -> Option<Self> {
        Some(Self::new())
    }
}

/// References are sent as the ids of their targets.
impl<K: Name> ToAws<String> for Ref<K> {
    fn to_aws(&self, cx: &Context) -> Result<Option<String>> {
        cx.id(self).map(Some)
    }
}

impl<K: Name> FromAws<String> for Ref<K> {
    fn from_aws(answer: String) -> Result<Self> {
        Ok(Self::id(answer))
    }
}

impl ToAws<String> for Cidr {
    fn to_aws(&self, _: &Context) -> Result<Option<String>> {
        Ok(Some(self.as_str().to_owned()))
    }
}

impl FromAws<String> for Cidr {
    fn from_aws(answer: String) -> Result<Self> {
        Ok(Self::observed(answer))
    }
}

impl ToAws<String> for PolicyDocument {
    fn to_aws(&self, _: &Context) -> Result<Option<String>> {
        Ok(Some(self.text()))
    }
}

macro_rules! alike {
    ($($type:ty),*) => {$(
        impl ToAws<$type> for $type {
            fn to_aws(&self, _: &Context) -> Result<Option<$type>> {
                Ok(Some(self.clone()))
            }
        }

        impl FromAws<$type> for $type {
            fn from_aws(answer: $type) -> Result<Self> {
                Ok(answer)
            }
        }
    )*};
}

alike!(String, bool, i32, i64, f32, f64);

/// AWS's numbers are signed, and none of a spec is below zero.
macro_rules! numbers {
    ($($own:ty as $aws:ty),*) => {$(
        impl ToAws<$aws> for $own {
            fn to_aws(&self, _: &Context) -> Result<Option<$aws>> {
                let too_large = |_| Error::refused("TooLarge", format!("{self} is larger than AWS's numbers"));
                <$aws>::try_from(*self).map(Some).map_err(too_large)
            }
        }

        impl FromAws<$aws> for $own {
            fn from_aws(answer: $aws) -> Result<Self> {
                Self::try_from(answer).map_err(|_| Error::invalid("number", answer))
            }
        }
    )*};
}

numbers!(u16 as i32, u32 as i32, u32 as i64, u64 as i64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_aws_leaves_out_is_read_as_nothing_only_where_it_may_be() {
        assert_eq!(read::<i32, Option<u32>>(None, "port").unwrap(), None);
        assert!(read::<Vec<String>, BTreeSet<String>>(None, "subnets").unwrap().is_empty());
        assert_eq!(read::<i32, u32>(None, "port of a listener").unwrap_err().message, "AWS sent no port of a listener");
        assert_eq!(read_or::<i32, u32>(None, || 80).unwrap(), 80);
    }

    #[test]
    fn what_is_added_is_what_the_other_list_lacks() {
        let cx = Context::new(aws_types::SdkConfig::builder().build(), "111122223333", crate::Meter::default());
        let list = |text: &str| text.split(' ').map(str::to_owned).collect::<BTreeSet<_>>();
        let (desired, observed) = (list("a b"), list("b c"));
        assert_eq!(beyond(&desired, &observed, &cx).unwrap(), Some(vec!["a".to_owned()]));
        assert_eq!(beyond(&observed, &desired, &cx).unwrap(), Some(vec!["c".to_owned()]));
        assert_eq!(beyond(&desired, &desired, &cx).unwrap(), None);
    }

    #[test]
    fn a_number_that_cannot_be_is_no_answer() {
        let error = u16::from_aws(70_000).unwrap_err();
        assert_eq!(error.message, "AWS returned an invalid number: 70000");
    }

    #[test]
    fn a_member_is_read_whether_aws_must_send_it_or_not() {
        struct Answer {
            required: i32,
            optional: Option<i32>,
        }
        let answer = Answer { required: 1, optional: None };
        let required: u32 = read!(answer.required).unwrap();
        let optional: Option<u32> = read!(answer.optional).unwrap();
        assert_eq!((required, optional), (1, None));
        assert_eq!(read!(answer.optional or 2_u32).unwrap(), 2);
    }
}
