//! Three kinds that exist only on paper: planning makes no call.

use up_core::{AnyKind, Of, prelude::*};

/// Finds one of the three.
pub(crate) fn find(name: &str) -> Option<&'static dyn AnyKind> {
    const KINDS: [&dyn AnyKind; 3] = [&Of::<Net>::KIND, &Of::<Boxed>::KIND, &Of::<Group>::KIND];
    KINDS.into_iter().find(|kind| kind.name() == name)
}

macro_rules! on_paper {
    ($spec:ident, $marker:ident, $name:literal, $about:expr) => {
        #[derive(Debug)]
        enum $marker {}

        impl Name for $marker {
            const NAME: &'static str = $name;
        }

        impl Kind for $spec {
            const NAME: &'static str = $marker::NAME;
            const ABOUT: About = $about;

            async fn observe(_: &Cx, _: &Scope) -> Result<Vec<Seen<Self>>> {
                unreachable!("planning makes no call")
            }
            async fn create(&self, _: &Cx, _: &Birth) -> Result<String> {
                unreachable!("planning makes no call")
            }
            async fn update(&self, _: &Cx, _: &Seen<Self>) -> Result<()> {
                unreachable!("planning makes no call")
            }
            async fn tag(_: &Cx, _: &Seen<Self>, _: &TagChange) -> Result<()> {
                unreachable!("planning makes no call")
            }
            async fn delete(_: &Cx, _: &Seen<Self>) -> Result<()> {
                unreachable!("planning makes no call")
            }
        }
    };
}

const TAGGED: Actions = Actions { tag: &["x:Tag"], ..About::DEFAULT.actions };
const SLOW: Takes = Takes { create: Duration::from_secs(100), ..Takes::DEFAULT };
/// A change of its size takes long, of anything else no time.
const GROWS: Takes = Takes { fields: &[("size", Duration::from_secs(40))], ..Takes::DEFAULT };

#[derive(Spec, Debug, Clone, Serialize, Deserialize, JsonSchema)]
struct Net {
    #[spec(name)]
    name: Option<String>,
    #[spec(replace)]
    cidr: String,
}

#[derive(Spec, Debug, Clone, Serialize, Deserialize, JsonSchema)]
struct Boxed {
    #[spec(replace)]
    net: Ref<NetName>,
    peer: Option<Ref<NetName>>,
    size: i64,
    zone: Option<String>,
    text: Option<String>,
}

#[derive(Spec, Debug, Clone, Serialize, Deserialize, JsonSchema)]
struct Group {
    #[spec(late)]
    peers: Vec<Ref<GroupName>>,
}

on_paper!(Net, NetName, "x.net", About { actions: TAGGED, takes: SLOW, longest_name: 40, ..About::DEFAULT });
on_paper!(Boxed, BoxedName, "x.box", About { actions: TAGGED, takes: GROWS, holds_data: true, ..About::DEFAULT });
on_paper!(Group, GroupName, "x.group", About { actions: TAGGED, ..About::DEFAULT });
