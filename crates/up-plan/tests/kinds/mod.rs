//! Test kinds that make no calls: planning needs none.

use std::collections::BTreeSet;

use up_core::{DeployedField, Model, Of, Service, prelude::*};

/// Finds one of them by name.
pub(crate) fn find(name: &str) -> Option<&'static dyn Model> {
    const KINDS: [&dyn Model; 11] = [
        &Of::<Net>::KIND,
        &Of::<Boxed>::KIND,
        &Of::<Group>::KIND,
        &Of::<NetPart>::KIND,
        &Of::<Door>::KIND,
        &Of::<Position>::KIND,
        &Of::<Hub>::KIND,
        &Of::<Guest>::KIND,
        &Of::<DataStore>::KIND,
        &Of::<Task>::KIND,
        &Of::<Fleet>::KIND,
    ];
    KINDS.into_iter().find(|kind| kind.name() == name)
}

macro_rules! test_kind {
    ($spec:ident, $marker:ident, $name:literal, $about:expr $(, $rule:item)*) => {
        #[derive(Debug)]
        enum $marker {}

        impl Name for $marker {
            const NAME: &'static str = $name;
        }

        impl Kind for $spec {
            const NAME: &'static str = $marker::NAME;
            const SERVICE: &'static Service = &Service::new("x");
            const INFO: KindInfo = $about;

            async fn observe(_: &Context, _: &Query) -> Result<Vec<Observed<Self>>> {
                unreachable!("planning makes no call")
            }
            async fn create(&self, _: &Context, _: &NewResource) -> Result<Created<Self>> {
                unreachable!("planning makes no call")
            }
            async fn update(&self, _: &Context, _: &Observed<Self>) -> Result<()> {
                unreachable!("planning makes no call")
            }
            async fn delete(_: &Context, _: &Observed<Self>) -> Result<()> {
                unreachable!("planning makes no call")
            }
            $($rule)*
        }
    };
}

const TAGGED: Actions = Actions { tag: &["x:Tag"], ..KindInfo::DEFAULT.actions };
const SLOW: Takes = Takes { create: Duration::from_secs(100), ..Takes::DEFAULT };
/// A change of `size` takes long, other changes take no time.
const GROWS: Takes = Takes { fields: &[("size", Duration::from_secs(40))], ..Takes::DEFAULT };

#[spec]
struct Net {
    #[spec(name)]
    name: Option<String>,
    #[spec(replace)]
    cidr: String,
}

#[spec]
struct Boxed {
    #[spec(replace)]
    net: Ref<NetName>,
    peer: Option<Ref<NetName>>,
    size: i64,
    zone: Option<String>,
    text: Option<String>,
}

#[spec]
struct Group {
    #[spec(deferred)]
    peers: Vec<Ref<GroupName>>,
}

/// Its tags travel with copies that are restored from it.
#[spec]
struct DataStore {
    #[spec(name)]
    name: Option<String>,
    size: i64,
}

test_kind!(Net, NetName, "x.net", KindInfo { actions: TAGGED, takes: SLOW, longest_name: 40, ..KindInfo::DEFAULT });
test_kind!(
    Boxed,
    BoxedName,
    "x.box",
    KindInfo { actions: TAGGED, takes: GROWS, holds_data: true, ..KindInfo::DEFAULT },
    fn accept(mut self, observed: &Observed<Self>) -> Self {
        let grows = self.zone.as_deref() == Some("growing");
        self.size = if grows { self.size.max(observed.spec.size) } else { self.size };
        self
    },
    fn refuses(&self, observed: Option<&Observed<Self>>, asked: Asked<'_>) -> Vec<Problem> {
        let outside = self.net.address().and_then(|net| asked(net, "cidr")).filter(|cidr| cidr == "nowhere");
        let outside = outside.map(|cidr| Problem::new("net", format!("a box has no place in {cidr}")));
        let is_fixed = self.zone.as_deref() == Some("fixed");
        let larger = observed.map(|observed| observed.spec.size).filter(|size| is_fixed && self.size < *size);
        let shrinks = larger.map(|size| Problem::new("size", format!("it never shrinks: write `size = {size}`")));
        outside.into_iter().chain(shrinks).collect()
    }
);
test_kind!(Group, GroupName, "x.group", KindInfo { actions: TAGGED, ..KindInfo::DEFAULT });
test_kind!(
    DataStore,
    StoreName,
    "x.store",
    KindInfo { actions: TAGGED, tags_travel: true, longest_name: 40, ..KindInfo::DEFAULT }
);

/// A part of a net, with a unique address range.
#[spec]
struct NetPart {
    #[spec(replace)]
    net: Ref<NetName>,
    #[spec(replace)]
    block: Cidr,
    #[spec(replace)]
    zone: Option<String>,
}

/// A numbered door of a net; its number can be changed to a free one.
#[spec]
struct Door {
    #[spec(replace)]
    net: Ref<NetName>,
    port: i64,
}

/// Has a position among the rows of its net; an update can exchange positions.
#[spec]
struct Position {
    #[spec(replace)]
    net: Ref<NetName>,
    place: i64,
}

/// Is in some parts of one net, leads to others, and serves guests in several ways.
#[spec]
struct Hub {
    name: Option<String>,
    #[spec(confined, default)]
    parts: BTreeSet<Ref<PartName>>,
    #[spec(detachable, default)]
    links: BTreeSet<Ref<PartName>>,
    #[spec(loose, default)]
    routes: BTreeSet<Ref<PartName>>,
    #[spec(shared, default)]
    ways: BTreeSet<String>,
}

/// Uses one way of a hub.
#[spec]
struct Guest {
    #[spec(replace)]
    hub: Ref<HubName>,
    way: String,
}

const PLAIN: KindInfo = KindInfo { actions: TAGGED, ..KindInfo::DEFAULT };

test_kind!(
    NetPart,
    PartName,
    "x.part",
    PLAIN,
    fn unique(&self) -> Vec<Unique> {
        Unique::block("block", &self.block).map(|block| block.within(&self.net)).into_iter().collect()
    }
);
test_kind!(
    Door,
    DoorName,
    "x.door",
    PLAIN,
    fn unique(&self) -> Vec<Unique> {
        Unique::value("port", self.port).map(|port| port.within(&self.net)).into_iter().collect()
    }
);
test_kind!(
    Position,
    RowName,
    "x.row",
    PLAIN,
    fn unique(&self) -> Vec<Unique> {
        Unique::value("place", self.place).map(|place| place.within(&self.net).exchanged()).into_iter().collect()
    }
);
test_kind!(Hub, HubName, "x.hub", PLAIN);
test_kind!(Guest, GuestName, "x.guest", PLAIN);

/// An immutable resource that others copy with its tags.
#[spec]
struct Task {
    #[spec(replace)]
    image: String,
}

test_kind!(
    Task,
    TaskName,
    "x.task",
    KindInfo { actions: TAGGED, tags_travel: true, immutable: true, ..KindInfo::DEFAULT }
);

/// An immutable resource whose images deployments change: each registers another one, with the same tags.
#[spec]
struct Fleet {
    #[spec(replace, default)]
    size: u32,
    #[spec(replace)]
    containers: Vec<FleetContainer>,
}

#[part]
struct FleetContainer {
    name: String,
    image: String,
}

test_kind!(
    Fleet,
    FleetName,
    "x.fleet",
    KindInfo {
        actions: TAGGED,
        tags_travel: true,
        immutable: true,
        deployed: Some(DeployedField { list: "containers", key: "name", field: "image" }),
        ..KindInfo::DEFAULT
    }
);
