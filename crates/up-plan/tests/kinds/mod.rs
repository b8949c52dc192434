//! Three kinds that exist only on paper: planning makes no call.

use up_core::{AnyKind, Of, prelude::*};

/// Finds one of the three.
pub(crate) fn find(name: &str) -> Option<&'static dyn AnyKind> {
    const KINDS: [&dyn AnyKind; 3] = [&Of::<Net>::KIND, &Of::<Boxed>::KIND, &Of::<Group>::KIND];
    KINDS.into_iter().find(|kind| kind.name() == name)
}

macro_rules! on_paper {
    ($spec:ident, $marker:ident, $name:literal, $about:expr $(, $rule:item)*) => {
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
            $($rule)*
        }
    };
}

const TAGGED: Actions = Actions { tag: &["x:Tag"], ..About::DEFAULT.actions };
const SLOW: Takes = Takes { create: Duration::from_secs(100), delete: Duration::from_secs(1) };

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
on_paper!(
    Boxed,
    BoxedName,
    "x.box",
    About { actions: TAGGED, holds_data: true, ..About::DEFAULT },
    fn accept(mut self, seen: &Seen<Self>) -> Self {
        let grows = self.zone.as_deref() == Some("growing");
        self.size = if grows { self.size.max(seen.spec.size) } else { self.size };
        self
    },
    fn refuses(&self, seen: Option<&Seen<Self>>, asked: Asked<'_>) -> Vec<Problem> {
        let outside = self.net.address().and_then(|net| asked(net, "cidr")).filter(|cidr| cidr == "nowhere");
        let outside = outside.map(|cidr| Problem::new("net", format!("a box has no place in {cidr}")));
        let is_fixed = self.zone.as_deref() == Some("fixed");
        let larger = seen.map(|seen| seen.spec.size).filter(|size| is_fixed && self.size < *size);
        let shrinks = larger.map(|size| Problem::new("size", format!("it never shrinks: write `size = {size}`")));
        outside.into_iter().chain(shrinks).collect()
    }
);
on_paper!(Group, GroupName, "x.group", About { actions: TAGGED, ..About::DEFAULT });
