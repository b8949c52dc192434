//! Four small kinds to test the language with.

use std::{borrow::Cow, collections::BTreeMap, path::Path};

use up_core::{Address, DeployedField, Model, Name, Of, Service, prelude::*};
use up_stack::{Diagnostics, LoadOptions, Stack};

/// All kinds of the tests.
pub(crate) const KINDS: &[&dyn Model] =
    &[&Of::<TestNetwork>::KIND, &Of::<TestSubnet>::KIND, &Of::<TestGroup>::KIND, &Of::<TestPolicy>::KIND];

macro_rules! name {
    ($($kind:ident = $name:literal;)*) => {$(
        pub(crate) enum $kind {}

        impl Name for $kind {
            const NAME: &'static str = $name;
        }
    )*};
}

name! {
    NetworkName = "net.network";
    SubnetName = "net.subnet";
    GroupName = "net.group";
    PolicyName = "access.policy";
}

/// They have no service of AWS's.
static SERVICE: Service = Service::new("tests");

/// These kinds never call AWS.
macro_rules! no_calls {
    () => {
        async fn observe(_: &Context, _: &Query) -> Result<Vec<Observed<Self>>> {
            Ok(vec![])
        }
        async fn create(&self, _: &Context, _: &NewResource) -> Result<Created<Self>> {
            Err(Error::ours("a test's kind is never created"))
        }
        async fn update(&self, _: &Context, _: &Observed<Self>) -> Result<()> {
            Ok(())
        }
        async fn delete(_: &Context, _: &Observed<Self>) -> Result<()> {
            Ok(())
        }
    };
}

#[spec]
pub(crate) struct TestNetwork {
    /// Its addresses.
    #[spec(replace)]
    cidr_block: Cidr,
    /// Hosts have names. Default: false.
    #[spec(default)]
    dns: bool,
    /// What it is called.
    label: Option<String>,
    /// How it is set up. Default: `shared`.
    #[spec(default)]
    tenancy: Tenancy,
}

#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Tenancy {
    /// With others.
    #[default]
    Shared,
    /// Alone.
    Dedicated,
}

impl Kind for TestNetwork {
    const NAME: &'static str = NetworkName::NAME;
    const SERVICE: &'static Service = &SERVICE;
    const INFO: KindInfo = KindInfo { attrs: &["arn", "cidr_block"], ..KindInfo::DEFAULT };
    no_calls!();

    fn check(&self) -> Vec<Problem> {
        let long = self.cidr_block.net().is_some_and(|net| net.prefix_len() > 28);
        long.then(|| Problem::new("cidr_block", "a network is at least a /28")).into_iter().collect()
    }
}

#[spec]
pub(crate) struct TestSubnet {
    network: Ref<NetworkName>,
    cidr_block: Cidr,
    availability_zone: Option<String>,
    /// Port of its gateway.
    port: Option<u16>,
}

impl Kind for TestSubnet {
    const NAME: &'static str = SubnetName::NAME;
    const SERVICE: &'static Service = &SERVICE;
    const INFO: KindInfo = KindInfo { attrs: &["arn"], tags: TagRules::FREE, ..KindInfo::DEFAULT };
    no_calls!();

    fn check_together<'a>(all: impl Iterator<Item = (&'a Address, Self)>) -> Vec<(Address, Problem)> {
        let all: Vec<_> = all.collect();
        let mut problems = vec![];
        for (index, (at, one)) in all.iter().enumerate() {
            for (other_at, other) in &all[..index] {
                let nets = one.cidr_block.net().zip(other.cidr_block.net());
                let overlap = nets.is_some_and(|(one, other)| one.contains(&other) || other.contains(&one));
                if overlap && one.network == other.network {
                    let message = format!("{} overlaps {} of {other_at}", one.cidr_block, other.cidr_block);
                    problems.push(((*at).clone(), Problem::new("cidr_block", message)));
                }
            }
        }
        problems
    }
}

#[spec]
pub(crate) struct TestGroup {
    network: Ref<NetworkName>,
    #[spec(default)]
    subnets: Vec<Ref<SubnetName>>,
    /// What may come in.
    #[spec(deferred, default)]
    ingress: Vec<TestRule>,
    /// Another group that must be there first.
    parent: Option<Ref<GroupName>>,
    #[spec(default)]
    labels: BTreeMap<String, String>,
    /// What runs in it.
    programs: Option<Vec<TestProgram>>,
}

#[part]
pub(crate) struct TestProgram {
    name: String,
    /// Deployments change it.
    image: String,
}

#[part]
pub(crate) struct TestRule {
    /// First and last port.
    ports: TestPorts,
    peer: Peer,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct TestPorts((u16, u16));

impl JsonSchema for TestPorts {
    fn schema_name() -> Cow<'static, str> {
        "Ports".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        <(u16, u16)>::json_schema(generator)
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Peer {
    Cidr(Cidr),
    Group(Ref<GroupName>),
}

impl Kind for TestGroup {
    const NAME: &'static str = GroupName::NAME;
    const SERVICE: &'static Service = &SERVICE;
    const INFO: KindInfo = KindInfo {
        attrs: &["arn"],
        deployed: Some(DeployedField { list: "programs", key: "name", field: "image" }),
        ..KindInfo::DEFAULT
    };
    no_calls!();

    fn check(&self) -> Vec<Problem> {
        let problem = |(index, rule): (usize, &TestRule)| {
            let (first, last) = rule.ports.0;
            let message = format!("the first port, {first}, is behind the last, {last}");
            (first > last).then(|| Problem::new(format!("ingress[{index}].ports"), message))
        };
        self.ingress.iter().enumerate().filter_map(problem).collect()
    }
}

#[spec]
pub(crate) struct TestPolicy {
    #[spec(name)]
    name: Option<String>,
    document: Document,
}

impl Kind for TestPolicy {
    const NAME: &'static str = PolicyName::NAME;
    const SERVICE: &'static Service = &SERVICE;
    const INFO: KindInfo = KindInfo { attrs: &["arn"], tags: TagRules::WITHOUT_CASE, ..KindInfo::DEFAULT };
    no_calls!();
}

/// Loads a stack, by a path relative to the crate.
pub(crate) fn load(path: &str, options: &LoadOptions) -> std::result::Result<Stack, Diagnostics> {
    up_stack::load(Path::new(path), KINDS, options)
}
