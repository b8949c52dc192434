//! The state of the simulated AWS, and the effect of each call on it.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use serde_json::Value;
use tokio::{sync::Notify, time::Instant};
use up_core::{Address, Change, ErrorKind, Model, Result, TagChange, Tags};

use crate::{
    cloud::{CallFate, Create, Faults, LogEntry, answer},
    kinds::SimKind,
    random::Random,
    resource::{ResourceVersion, SimResource, ids},
};

/// The state of the simulated AWS.
pub(crate) struct CloudState {
    pub(crate) random: Random,
    pub(crate) faults: Faults,
    pub(crate) resources: Vec<SimResource>,
    /// Errors of the engine, such as calls that came too early.
    pub(crate) violations: Vec<String>,
    pub(crate) log: Vec<(Instant, LogEntry)>,
    /// The length of the log at which the process is killed.
    pub(crate) killed_at: Option<usize>,
    /// Notified when the process is killed.
    pub(crate) dies: Arc<Notify>,
    /// When the current call was sent.
    pub(crate) sent: Instant,
    pub(crate) flying: usize,
    pub(crate) parallel: usize,
}

impl CloudState {
    pub(crate) fn new(random: Random, faults: Faults) -> Self {
        let (resources, violations, log) = Default::default();
        Self {
            random,
            faults,
            resources,
            violations,
            log,
            killed_at: None,
            dies: Arc::default(),
            sent: Instant::now(),
            flying: 0,
            parallel: 1,
        }
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.killed_at.is_some_and(|length| self.log.len() >= length)
    }

    /// How long the request and its answer take.
    pub(crate) fn way(&mut self) -> (Duration, Duration) {
        let most = self.faults.latency;
        (self.random.upto(most), self.random.upto(most))
    }

    pub(crate) fn fate(&mut self) -> CallFate {
        let Faults { throttles, loses, .. } = self.faults;
        if self.random.percent(throttles) {
            CallFate::Throttled
        } else if self.random.percent(loses) {
            [CallFate::RequestLost, CallFate::AnswerLost, CallFate::CallerGaveUp]
                [usize::try_from(self.random.below(3)).expect("below 3")]
        } else {
            CallFate::Served
        }
    }

    pub(crate) fn admits(&self) -> Result<()> {
        match self.faults.expires {
            Some(expires) if expires <= Instant::now() => Err(answer(ErrorKind::Credentials, "the token has expired")),
            _ => Ok(()),
        }
    }

    pub(crate) fn create(&mut self, create: Create) -> Result<String> {
        let Create { kind, name, token, tags, spec } = create;
        let address = self.owner(kind, &tags);
        if self.faults.refuses.contains(&address) {
            return Err(answer(ErrorKind::Other, "there is no room for it"));
        }
        let there =
            || self.resources.iter().filter(|resource| resource.kind.name() == kind.name() && resource.is_there());
        let mut made = self.resources.iter().filter(|resource| resource.kind.name() == kind.name());
        if let Some(same) = made.find(|resource| token.is_some() && resource.token == token) {
            return Ok(same.id.clone());
        }
        if there().any(|resource| name.is_some() && resource.name == name) {
            return Err(answer(ErrorKind::Exists, format!("there is a {name:?}")));
        }
        let whose = |tags: &Tags| (tags.get(Address::ADDRESS_TAG).cloned(), tags.get(Address::GENERATION_TAG).cloned());
        if there().any(|resource| !resource.is_going() && whose(&resource.now().tags) == whose(&tags)) {
            self.violations.push(format!("{address} was created twice"));
        }
        self.finds(&address, &spec)?;
        self.is_free(&address, kind, None, &spec)?;
        self.has_way(&address, kind, &spec);
        let now = Instant::now();
        let takes = kind.info().takes.create;
        let takes = if self.faults.drags { takes / 2 + self.random.upto(takes * 5 / 2) } else { takes };
        let propagates = if kind.is_known_late { self.faults.propagates } else { Duration::ZERO };
        let version = ResourceVersion {
            from: now,
            tags,
            held: ids(&spec).into_iter().collect(),
            spec,
            ready: now + takes,
            is_broken: self.faults.breaks.contains(&address),
            gone: None,
        };
        let id = format!("{}-{}", kind.name(), self.resources.len());
        let everywhere = now + self.random.upto(propagates);
        self.resources.push(SimResource { kind, id: id.clone(), name, token, everywhere, versions: vec![version] });
        Ok(id)
    }

    pub(crate) fn update(&mut self, kind: &SimKind, id: &str, desired: Value) -> Result<()> {
        let sent = self.sent;
        let resource = self.resource(id)?;
        let address = resource.address().expect("updated resources have an address");
        if !resource.is_ready() {
            if !resource.was_ready(sent) {
                self.violations.push(format!("{address} was changed before it was ready"));
            }
            return Err(answer(ErrorKind::Conflict, "it is not ready"));
        }
        let mut spec = resource.now().spec.clone();
        let movable = kind.fields().iter().filter(|field| field.change == Change::Update);
        let moved =
            movable.map(|field| field.name).filter(|name| !desired[name].is_null() && desired[name] != spec[name]);
        let moved: Vec<_> = moved.collect();
        moved.iter().for_each(|name| spec[name] = desired[name].clone());
        self.finds(&address, &moved.iter().map(|name| desired[name].clone()).collect())?;
        self.exchange(kind, id, &spec);
        self.is_free(&address, kind, Some(id), &spec)?;
        self.has_way(&address, kind, &spec);
        self.is_unused(&address, id, &spec);
        // A slow kind is busy for a while after an update.
        let busy =
            if kind.info().takes.create > Duration::from_secs(10) { Duration::from_secs(10) } else { Duration::ZERO };
        self.resource(id)?.change(|version| {
            version.held = ids(&spec).into_iter().collect();
            version.spec = spec;
            version.ready = Instant::now() + busy;
        });
        Ok(())
    }

    pub(crate) fn tag(&mut self, id: &str, change: &TagChange) -> Result<()> {
        self.resource(id)?.change(|version| {
            version.tags.retain(|key, _| !change.remove.contains(key));
            version.tags.extend(change.set.clone());
        });
        Ok(())
    }

    /// Removes its references to other groups, then deletes it, unless something refers to it.
    pub(crate) fn delete(&mut self, id: &str) -> Result<()> {
        let resource = self.resource(id)?;
        if resource.is_going() {
            return Err(answer(ErrorKind::Conflict, "it is being deleted already"));
        }
        let deferred: Vec<_> = resource.kind.fields().iter().filter(|field| field.deferred).collect();
        if !deferred.is_empty() {
            resource
                .change(|version| deferred.iter().for_each(|field| version.spec[field.name] = Value::Array(vec![])));
        }
        let address = resource.address();
        let takes = resource.kind.info().takes.delete;
        let holders = self
            .resources
            .iter()
            .filter(|resource| resource.is_there() && resource.id != id && resource.holds().contains(id));
        let holders: Vec<_> = holders.map(|resource| (resource.id.clone(), resource.address())).collect();
        if let Some((holder, whose)) = holders.first() {
            if holders.iter().any(|(holder, _)| !self.leads(id, holder)) {
                self.violations
                    .push(format!("{address:?} ({id}) was deleted before {whose:?} ({holder}) had released it"));
            }
            return Err(answer(ErrorKind::Conflict, format!("{holder} holds it")));
        }
        self.resource(id)?.change(|version| version.gone = Some(Instant::now() + takes));
        Ok(())
    }

    /// True if one resource refers to the other, directly or through others.
    fn leads(&self, from: &str, to: &str) -> bool {
        let (mut todo, mut been) = (vec![from.to_owned()], BTreeSet::new());
        while let Some(id) = todo.pop() {
            if id == to {
                return true;
            }
            if been.insert(id.clone()) {
                let resource = self.resources.iter().find(|resource| resource.id == id);
                todo.extend(resource.into_iter().flat_map(|resource| resource.now().held.clone()));
            }
        }
        false
    }

    /// The id of the resource that already has the unique value of a spec.
    fn holder(&self, kind: &SimKind, own: Option<&str>, spec: &Value) -> Option<String> {
        let sole = kind.unique?;
        let is_same = |other: &Value| [sole.field, sole.within].iter().all(|field| other[*field] == spec[*field]);
        let others = self.resources.iter().filter(|it| it.kind.name() == kind.name() && it.is_there());
        let mut others = others.filter(|it| Some(it.id.as_str()) != own);
        others.find(|it| is_same(&it.now().spec)).map(|it| it.id.clone())
    }

    /// Checks that nobody takes a value that another resource still has.
    fn is_free(&mut self, who: &Address, kind: &SimKind, own: Option<&str>, spec: &Value) -> Result<()> {
        let Some(holder) = self.holder(kind, own, spec) else { return Ok(()) };
        self.violations.push(format!("{who} takes a value that {holder} still has"));
        Err(answer(ErrorKind::Other, format!("{holder} has it")))
    }

    /// Gives the resource's own value to the current holder of its new one.
    fn exchange(&mut self, kind: &SimKind, id: &str, spec: &Value) {
        let Some(sole) = kind.unique.filter(|sole| sole.is_exchanged) else { return };
        let Some(holder) = self.holder(kind, Some(id), spec) else { return };
        let own = self.resource(id).map(|resource| resource.now().spec[sole.field].clone());
        if let (Ok(own), Ok(holder)) = (own, self.resource(&holder)) {
            holder.change(|version| version.spec[sole.field] = own);
        }
    }

    /// Checks that a guest's way exists in its pool.
    fn has_way(&mut self, who: &Address, kind: &SimKind, spec: &Value) {
        if kind.name() != "x.guest" {
            return;
        }
        let pool = ids(&spec["pool"]);
        let pool = self.resources.iter().find(|it| pool.contains(&it.id));
        let ways = pool.and_then(|pool| pool.now().spec["ways"].as_array());
        if !ways.is_some_and(|ways| ways.contains(&spec["way"])) {
            self.violations.push(format!("{who} uses a way that its pool does not have"));
        }
    }

    /// Checks that a pool does not lose a way that a guest uses.
    fn is_unused(&mut self, who: &Address, id: &str, spec: &Value) {
        let Some(ways) = spec.get("ways").and_then(Value::as_array) else { return };
        let guests = self.resources.iter().filter(|it| it.kind.name() == "x.guest" && it.is_there());
        let mut guests = guests.map(|guest| (&guest.id, &guest.now().spec));
        let lost = guests.find(|(_, guest)| ids(&guest["pool"]) == [id] && !ways.contains(&guest["way"]));
        if let Some(wrong) = lost.map(|(guest, _)| format!("{who} loses a way that {guest} uses")) {
            self.violations.push(wrong);
        }
    }

    /// Checks that all references lead to resources that are ready.
    fn finds(&mut self, who: &Address, spec: &Value) -> Result<()> {
        for id in ids(spec) {
            let target = self.resources.iter().find(|resource| resource.id == id && resource.is_there());
            let Some(target) = target else {
                self.violations.push(format!("{who} refers to {id}, which does not exist"));
                return Err(answer(ErrorKind::NotFound, format!("there is no {id}")));
            };
            if !target.is_ready() {
                let wrong = format!("{who} refers to {id}, which is not ready");
                self.violations.push(wrong.clone());
                return Err(answer(ErrorKind::Other, wrong));
            }
            if target.everywhere > Instant::now() {
                return Err(answer(ErrorKind::Propagating, format!("{id} is not known here")));
            }
        }
        Ok(())
    }

    fn resource(&mut self, id: &str) -> Result<&mut SimResource> {
        let resource = self.resources.iter_mut().find(|resource| resource.id == id && resource.is_there());
        resource.ok_or_else(|| answer(ErrorKind::NotFound, format!("there is no {id}")))
    }

    fn owner(&mut self, kind: &SimKind, tags: &Tags) -> Address {
        let address = tags.get(Address::ADDRESS_TAG).and_then(|text| text.parse().ok());
        if !tags.contains_key(Address::STACK_TAG) || address.is_none() {
            self.violations.push(format!("a {} was created without ownership tags", kind.name()));
        }
        address.unwrap_or_else(|| Address::root("unowned.x", "resource"))
    }
}
