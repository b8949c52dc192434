//! `ec2.route_table`: the routes of subnets and gateways.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::types::{
    ResourceType, RouteState, RouteTable as Described, RouteTableAssociation, RouteTableAssociationState,
    RouteTableAssociationStateCode,
};
use up_core::{Address, prelude::*};

use crate::{arn, client, filter, ids, ours, route::Route, selected, tags, token};

/// Routes for the traffic of subnets and gateways. Traffic within the VPC needs no route.
///
/// The resource manages the complete route table: routes and associations that are added outside the stack are drift,
/// and the next apply removes them.
#[spec]
pub struct RouteTable {
    /// The VPC of the route table.
    #[spec(replace)]
    vpc: Ref<names::Vpc>,
    /// The routes, without those of gateway endpoints, whose `route_tables` add them. Default: none.
    #[spec(loose, default)]
    routes: BTreeSet<Route>,
    /// The subnets associated with the route table. A subnet without an association uses the VPC's main route table.
    /// Default: none.
    #[spec(loose, default)]
    subnets: BTreeSet<Ref<names::Subnet>>,
    /// The internet gateways and virtual private gateways associated with the route table, which then routes their
    /// inbound traffic (such as to a firewall). Default: none.
    #[spec(detachable, default)]
    gateways: BTreeSet<Ref<names::InternetGateway>>,
    /// Virtual private gateways, `vgw-…`, that may propagate routes to the table. Default: none.
    #[spec(default)]
    propagating_vgws: BTreeSet<String>,
}

impl Kind for RouteTable {
    const NAME: &'static str = names::RouteTable::NAME;
    const SERVICE: &'static up_core::Service = &crate::SERVICE;

    const INFO: KindInfo = KindInfo {
        cloudformation: "AWS::EC2::RouteTable",
        actions: Actions {
            observe: actions!(ec2: DescribeRouteTables),
            create: actions!(ec2: CreateRouteTable CreateTags),
            update: actions!(ec2: AssociateRouteTable CreateRoute DeleteRoute DescribeRouteTables
                DisableVgwRoutePropagation DisassociateRouteTable EnableVgwRoutePropagation ReplaceRoute
                ReplaceRouteTableAssociation),
            tag: actions!(ec2: CreateTags DeleteTags),
            delete: actions!(ec2: DeleteRouteTable DescribeRouteTables DisassociateRouteTable),
        },
        attrs: &["arn"],
        client_token: true,
        tags: TagRules::FREE,
        deletes_at_once: true,
        ..KindInfo::DEFAULT
    };

    async fn observe(cx: &Context, query: &Query) -> Result<Vec<Observed<Self>>> {
        let request = client(cx).describe_route_tables().set_filters(selected(query, "route-table-id"));
        let tables = request.into_paginator().page_size(100).items().send().try_collect().await?;
        tables.into_iter().map(|table| read(cx, table)).collect()
    }

    /// Safe to repeat: the call carries a client token, so that EC2 creates one route table however often it is sent.
    async fn create(&self, cx: &Context, new: &NewResource) -> Result<Created<Self>> {
        let request = client(cx).create_route_table().vpc_id(cx.id(&self.vpc)?);
        let request = request.tag_specifications(ours(ResourceType::RouteTable, new));
        let make = async |token| {
            let made = request.clone().client_token(token).send().await?.route_table;
            Ok(made.and_then(|table| table.route_table_id))
        };
        token::create(cx, new, request.as_input(), make, async |_| Ok(true)).await
    }

    /// Safe to repeat: routes are set by destination, and associations are compared with the present ones. Subnets are
    /// associated after new routes are added, and disassociated before old routes are removed. An association that
    /// failed is created again.
    async fn update(&self, cx: &Context, observed: &Observed<Self>) -> Result<()> {
        let (was, table) = (resolved(cx, &observed.spec.routes)?, observed.id.as_str());
        let desired = resolved(cx, &self.routes)?;
        let is_in = |routes: &BTreeSet<Route>, route: &Route| {
            routes.iter().any(|other| other.destination() == route.destination())
        };
        for route in desired.difference(&was) {
            match is_in(&was, route) {
                true => route.replace(cx, table).await?,
                false => route.create(cx, table).await?,
            }
        }
        self.propagate(cx, observed).await?;
        clear_failed(cx, observed).await?;
        self.associate(cx, observed).await?;
        for route in was.difference(&desired).filter(|route| !is_in(&desired, route)) {
            route.delete(cx, table).await?;
        }
        Ok(())
    }

    /// Safe to repeat: a second delete finds nothing. Its subnets then use the VPC's main route table.
    async fn delete(cx: &Context, observed: &Observed<Self>) -> Result<()> {
        let disassociate =
            async |id: &str| client(cx).disassociate_route_table().association_id(id).send().await.ignore_not_found();
        let table = &observed.id;
        let delete =
            async || client(cx).delete_route_table().route_table_id(table).send().await.map(drop).map_err(Error::from);
        for association in observed.private.keys() {
            disassociate(association).await?;
        }
        match delete().await {
            // It has got associations since it was read.
            Err(error) if error.kind == ErrorKind::Conflict => {
                for association in associations(cx, "route-table-id", table).await?.into_values() {
                    disassociate(&association.id).await?;
                }
                delete().await
            }
            deleted => deleted,
        }
    }

    fn check(&self) -> Vec<Problem> {
        let wrong = self.routes.iter().filter_map(Route::problem);
        // Routes are sorted by destination.
        let pairs = self.routes.iter().zip(self.routes.iter().skip(1));
        let twice = pairs.filter(|(one, next)| one.destination() == next.destination());
        let twice = twice.map(|(route, _)| format!("there are two routes to {route}"));
        wrong.chain(twice).map(|message| Problem::new("routes", message)).collect()
    }

    /// A subnet is associated with one route table.
    fn check_together<'a>(all: impl Iterator<Item = (&'a Address, Self)>) -> Vec<(Address, Problem)> {
        let all: Vec<_> = all.collect();
        let (mut served, mut problems) = (BTreeMap::new(), Vec::new());
        for (at, table) in &all {
            for subnet in &table.subnets {
                if let Some(other) = served.insert(subnet, *at) {
                    let message = format!("a subnet has one route table, and {other} names one of these too");
                    problems.push(((*at).clone(), Problem::new("subnets", message)));
                }
            }
        }
        problems
    }
}

impl RouteTable {
    async fn propagate(&self, cx: &Context, observed: &Observed<Self>) -> Result<()> {
        let (was, desired) = (&observed.spec.propagating_vgws, &self.propagating_vgws);
        for gateway in desired.difference(was) {
            let call = client(cx).enable_vgw_route_propagation().route_table_id(&observed.id);
            call.gateway_id(gateway).send().await?;
        }
        for gateway in was.difference(desired) {
            let call = client(cx).disable_vgw_route_propagation().route_table_id(&observed.id);
            call.gateway_id(gateway).send().await.ignore_not_found()?;
        }
        Ok(())
    }

    /// Adds the missing associations, then removes the others.
    async fn associate(&self, cx: &Context, observed: &Observed<Self>) -> Result<()> {
        let (was, desired) = (observed.spec.targets(cx)?, self.targets(cx)?);
        for target in desired.difference(&was) {
            serve(cx, &observed.id, target).await?;
        }
        if was.is_subset(&desired) {
            return Ok(());
        }
        let ours = associations(cx, "route-table-id", &observed.id).await?;
        for (_, association) in ours.iter().filter(|(target, _)| !desired.contains(*target)) {
            client(cx).disassociate_route_table().association_id(&association.id).send().await.ignore_not_found()?;
        }
        Ok(())
    }

    /// The subnets and gateways that are to be associated.
    fn targets(&self, cx: &Context) -> Result<BTreeSet<Target>> {
        let subnets = ids(cx, &self.subnets)?.into_iter().map(Target::Subnet);
        let gateways = ids(cx, &self.gateways)?.into_iter().map(Target::Gateway);
        Ok(subnets.chain(gateways).collect())
    }
}

/// Removes failed associations, so that they can be created again. Safe to repeat: a second delete finds nothing.
async fn clear_failed(cx: &Context, observed: &Observed<RouteTable>) -> Result<()> {
    if !matches!(observed.status, Status::Impaired(_)) {
        return Ok(());
    }
    let request = client(cx).describe_route_tables().filters(filter("route-table-id", [&observed.id]));
    let answer = request.send().await?;
    let failed = answer.route_tables().iter().flat_map(Described::associations).filter(|it| is_failed(it));
    for association in failed.filter_map(RouteTableAssociation::route_table_association_id) {
        client(cx).disassociate_route_table().association_id(association).send().await.ignore_not_found()?;
    }
    Ok(())
}

/// Associates a target with `table`. A subnet that has another route table is moved in one call, so that it always has
/// its routes.
async fn serve(cx: &Context, table: &str, target: &Target) -> Result<()> {
    let Err(error) = associate(cx, table, target).await else { return Ok(()) };
    if error.kind != ErrorKind::Exists {
        return Err(error);
    }
    let (by, id) = match target {
        Target::Subnet(id) => ("association.subnet-id", id),
        Target::Gateway(id) => ("association.gateway-id", id),
    };
    match associations(cx, by, id).await?.remove(target) {
        Some(theirs) if theirs.table == table || take_over(cx, &theirs.id, table).await? => Ok(()),
        // The other route table has lost the association meanwhile.
        _ => associate(cx, table, target).await,
    }
}

async fn associate(cx: &Context, table: &str, target: &Target) -> Result<()> {
    let call = client(cx).associate_route_table().route_table_id(table);
    let call = match target {
        Target::Subnet(id) => call.subnet_id(id),
        Target::Gateway(id) => call.gateway_id(id),
    };
    call.send().await?;
    Ok(())
}

/// Returns false if the association no longer exists.
async fn take_over(cx: &Context, association: &str, table: &str) -> Result<bool> {
    let call = client(cx).replace_route_table_association().association_id(association);
    match call.route_table_id(table).send().await.map_err(Error::from) {
        Err(error) if error.kind == ErrorKind::NotFound => Ok(false),
        taken => taken.map(|_| true),
    }
}

fn resolved(cx: &Context, routes: &BTreeSet<Route>) -> Result<BTreeSet<Route>> {
    routes.iter().map(|route| route.resolved(cx)).collect()
}

fn read(cx: &Context, table: Described) -> Result<Observed<RouteTable>> {
    let (status, notes) = (status(&table), notes(&table));
    let (mut subnets, mut gateways) = (BTreeSet::new(), BTreeSet::new());
    let mut private = Attrs::new();
    for (target, association) in live(&table)? {
        private.insert(association.id, association.table);
        match target {
            Target::Subnet(id) => _ = subnets.insert(Ref::id(id)),
            Target::Gateway(id) => _ = gateways.insert(Ref::id(id)),
        }
    }
    let id = present(table.route_table_id, "route table id")?;
    let propagating = table.propagating_vgws.into_iter().flatten().filter_map(|it| it.gateway_id);
    let spec = RouteTable {
        vpc: read!(table.vpc_id)?,
        routes: table.routes.into_iter().flatten().filter_map(Route::read).collect(),
        subnets,
        gateways,
        propagating_vgws: propagating.collect(),
    };
    let observed = Observed::new(&id, tags(table.tags), spec).attr("arn", arn(cx, "route-table", &id));
    Ok(Observed { status, notes, private, ..observed })
}

/// A route table exists immediately. Its associations take time, and may fail.
fn status(table: &Described) -> Status {
    use RouteTableAssociationStateCode::{Associated, Disassociated, Failed};
    let states = || table.associations().iter().filter_map(RouteTableAssociation::association_state);
    if let Some(failed) = states().find(|it| it.state() == Some(&Failed)) {
        let why = failed.status_message().unwrap_or("AWS gives no reason");
        return Impairment::repairable(format!("an association failed: {why}"), "the next apply creates it again");
    }
    let moving = states().filter_map(RouteTableAssociationState::state);
    let moving = moving.into_iter().find(|it| !matches!(it, Associated | Disassociated));
    moving.map_or(Status::Ready, |state| Status::Pending(state.to_string()))
}

/// Routes whose target no longer exists: only their state differs.
fn notes(table: &Described) -> Vec<String> {
    let lost = table.routes().iter().filter(|route| route.state() == Some(&RouteState::Blackhole));
    let lost = lost.cloned().filter_map(Route::read);
    let note = |route| format!("the route to {route} is a blackhole: its target does not exist or is detached");
    lost.map(note).collect()
}

fn is_failed(association: &RouteTableAssociation) -> bool {
    let code = association.association_state().and_then(RouteTableAssociationState::state);
    code == Some(&RouteTableAssociationStateCode::Failed)
}

/// An association of a route table.
struct Association {
    id: String,
    table: String,
}

/// What a route table can be associated with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Target {
    Subnet(String),
    Gateway(String),
}

/// The active associations of the route tables that match a filter.
async fn associations(cx: &Context, by: &str, value: &str) -> Result<BTreeMap<Target, Association>> {
    let request = client(cx).describe_route_tables().filters(filter(by, [value])).into_paginator().page_size(100);
    let mut found = BTreeMap::new();
    for table in request.items().send().try_collect().await? {
        found.extend(live(&table)?);
    }
    Ok(found)
}

/// All associations but the one that makes a table the VPC's main route table, which names no subnet.
fn live(table: &Described) -> Result<Vec<(Target, Association)>> {
    let gone = |it: &RouteTableAssociation| {
        use RouteTableAssociationStateCode::{Disassociated, Disassociating, Failed};
        let code = it.association_state().and_then(RouteTableAssociationState::state);
        matches!(code, Some(Disassociated | Disassociating | Failed))
    };
    let served = table.associations().iter().filter(|it| !gone(it)).filter_map(|it| {
        let subnet = it.subnet_id().map(|id| Target::Subnet(id.to_owned()));
        Some((it, subnet.or_else(|| it.gateway_id().map(|id| Target::Gateway(id.to_owned())))?))
    });
    let live = served.map(|(it, target)| {
        let id = present(it.route_table_association_id(), "association id")?.to_owned();
        let table = present(it.route_table_id(), "table of an association")?.to_owned();
        Ok((target, Association { id, table }))
    });
    live.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_state_of_an_association_is_a_reason_to_delete_the_table() {
        let of = |state: &str| {
            let state = RouteTableAssociationState::builder().state(state.into()).build();
            let association = RouteTableAssociation::builder().association_state(state).build();
            status(&Described::builder().associations(association).build())
        };
        for state in ["associated", "disassociated"] {
            assert_eq!(of(state), Status::Ready, "{state}");
        }
        for state in ["associating", "disassociating", "of-tomorrow"] {
            assert_eq!(of(state), Status::Pending(state.into()));
        }
        assert!(matches!(of("failed"), Status::Impaired(Impairment { repair: true, .. })));
    }
}
