//! What the simulated AWS holds, and what each call does to it.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use serde_json::Value;
use tokio::{sync::Notify, time::Instant};
use up_core::{Address, AnyKind, Change, ErrorKind, Result, TagChange, Tags};

use crate::{
    chance::Chance,
    cloud::{Create, Fate, Moods, Note, answer},
    kinds::SimKind,
    thing::{Life, Thing, ids},
};

/// What it holds.
pub(crate) struct State {
    pub(crate) chance: Chance,
    pub(crate) moods: Moods,
    pub(crate) things: Vec<Thing>,
    /// What nobody should have asked for.
    pub(crate) violations: Vec<String>,
    pub(crate) log: Vec<(Instant, Note)>,
    /// The length of the log at which the process is killed.
    pub(crate) killed_at: Option<usize>,
    /// Told when it is.
    pub(crate) dies: Arc<Notify>,
    /// When the call at hand was sent.
    pub(crate) sent: Instant,
    pub(crate) flying: usize,
    pub(crate) parallel: usize,
}

impl State {
    pub(crate) fn new(chance: Chance, moods: Moods) -> Self {
        let (things, violations, log) = Default::default();
        Self {
            chance,
            moods,
            things,
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

    /// How long it takes to get there, and back.
    pub(crate) fn way(&mut self) -> (Duration, Duration) {
        let most = self.moods.latency;
        (self.chance.upto(most), self.chance.upto(most))
    }

    pub(crate) fn fate(&mut self) -> Fate {
        let Moods { throttles, loses, .. } = self.moods;
        if self.chance.percent(throttles) {
            Fate::Throttled
        } else if self.chance.percent(loses) {
            [Fate::LostOnTheWay, Fate::AnswerLost, Fate::GivenUpOn]
                [usize::try_from(self.chance.below(3)).expect("below 3")]
        } else {
            Fate::Well
        }
    }

    pub(crate) fn admits(&self) -> Result<()> {
        match self.moods.expires {
            Some(expires) if expires <= Instant::now() => Err(answer(ErrorKind::Credentials, "the token has expired")),
            _ => Ok(()),
        }
    }

    pub(crate) fn create(&mut self, create: Create) -> Result<String> {
        let Create { kind, name, token, tags, spec } = create;
        let address = self.owner(kind, &tags);
        if self.moods.refuses.contains(&address) {
            return Err(answer(ErrorKind::Other, "there is no room for it"));
        }
        let there = || self.things.iter().filter(|thing| thing.kind.name() == kind.name() && thing.is_there());
        let mut made = self.things.iter().filter(|thing| thing.kind.name() == kind.name());
        if let Some(same) = made.find(|thing| token.is_some() && thing.token == token) {
            return Ok(same.id.clone());
        }
        if there().any(|thing| name.is_some() && thing.name == name) {
            return Err(answer(ErrorKind::Exists, format!("there is a {name:?}")));
        }
        let whose = |tags: &Tags| (tags.get(Address::ADDRESS_TAG).cloned(), tags.get(Address::GENERATION_TAG).cloned());
        if there().any(|thing| !thing.is_going() && whose(&thing.now().tags) == whose(&tags)) {
            self.violations.push(format!("{address} was made twice"));
        }
        self.finds(&address, &spec)?;
        self.is_free(&address, kind, None, &spec)?;
        self.has_way(&address, kind, &spec);
        let now = Instant::now();
        let takes = kind.info().takes.create;
        let takes = if self.moods.drags { takes / 2 + self.chance.upto(takes * 5 / 2) } else { takes };
        let propagates = if kind.is_known_late { self.moods.propagates } else { Duration::ZERO };
        let life = Life {
            from: now,
            tags,
            held: ids(&spec).into_iter().collect(),
            spec,
            ready: now + takes,
            is_broken: self.moods.breaks.contains(&address),
            gone: None,
        };
        let id = format!("{}-{}", kind.name(), self.things.len());
        let everywhere = now + self.chance.upto(propagates);
        self.things.push(Thing { kind, id: id.clone(), name, token, everywhere, lives: vec![life] });
        Ok(id)
    }

    pub(crate) fn update(&mut self, kind: &SimKind, id: &str, desired: Value) -> Result<()> {
        let sent = self.sent;
        let thing = self.thing(id)?;
        let address = thing.address().expect("only what has one is changed");
        if !thing.is_ready() {
            if !thing.was_ready(sent) {
                self.violations.push(format!("{address} was changed before it was ready"));
            }
            return Err(answer(ErrorKind::Conflict, "it is not ready"));
        }
        let mut spec = thing.now().spec.clone();
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
        // What is slow to make is busy for a while when it changes.
        let busy =
            if kind.info().takes.create > Duration::from_secs(10) { Duration::from_secs(10) } else { Duration::ZERO };
        self.thing(id)?.turn(|life| {
            life.held = ids(&spec).into_iter().collect();
            life.spec = spec;
            life.ready = Instant::now() + busy;
        });
        Ok(())
    }

    pub(crate) fn tag(&mut self, id: &str, change: &TagChange) -> Result<()> {
        self.thing(id)?.turn(|life| {
            life.tags.retain(|key, _| !change.remove.contains(key));
            life.tags.extend(change.set.clone());
        });
        Ok(())
    }

    /// Lets go of its like, then goes, unless something holds it.
    pub(crate) fn delete(&mut self, id: &str) -> Result<()> {
        let thing = self.thing(id)?;
        if thing.is_going() {
            return Err(answer(ErrorKind::Conflict, "it is going already"));
        }
        let deferred: Vec<_> = thing.kind.fields().iter().filter(|field| field.deferred).collect();
        if !deferred.is_empty() {
            thing.turn(|life| deferred.iter().for_each(|field| life.spec[field.name] = Value::Array(vec![])));
        }
        let address = thing.address();
        let takes = thing.kind.info().takes.delete;
        let holders =
            self.things.iter().filter(|thing| thing.is_there() && thing.id != id && thing.holds().contains(id));
        let holders: Vec<_> = holders.map(|thing| (thing.id.clone(), thing.address())).collect();
        if let Some((holder, whose)) = holders.first() {
            if holders.iter().any(|(holder, _)| !self.leads(id, holder)) {
                self.violations.push(format!("{address:?} ({id}) was to go before {whose:?} ({holder}) had let go"));
            }
            return Err(answer(ErrorKind::Conflict, format!("{holder} holds it")));
        }
        self.thing(id)?.turn(|life| life.gone = Some(Instant::now() + takes));
        Ok(())
    }

    /// True where one has come to hold the other, through whatever stands between.
    fn leads(&self, from: &str, to: &str) -> bool {
        let (mut todo, mut been) = (vec![from.to_owned()], BTreeSet::new());
        while let Some(id) = todo.pop() {
            if id == to {
                return true;
            }
            if been.insert(id.clone()) {
                let thing = self.things.iter().find(|thing| thing.id == id);
                todo.extend(thing.into_iter().flat_map(|thing| thing.now().held.clone()));
            }
        }
        false
    }

    /// The id of the resource that already has the unique value of a spec.
    fn holder(&self, kind: &SimKind, own: Option<&str>, spec: &Value) -> Option<String> {
        let sole = kind.unique?;
        let is_same = |other: &Value| [sole.field, sole.within].iter().all(|field| other[*field] == spec[*field]);
        let others = self.things.iter().filter(|it| it.kind.name() == kind.name() && it.is_there());
        let mut others = others.filter(|it| Some(it.id.as_str()) != own);
        others.find(|it| is_same(&it.now().spec)).map(|it| it.id.clone())
    }

    /// Nobody takes what another still has.
    fn is_free(&mut self, who: &Address, kind: &SimKind, own: Option<&str>, spec: &Value) -> Result<()> {
        let Some(holder) = self.holder(kind, own, spec) else { return Ok(()) };
        self.violations.push(format!("{who} takes what {holder} still has"));
        Err(answer(ErrorKind::Other, format!("{holder} has it")))
    }

    /// Gives what one has to who has what it is to have.
    fn exchange(&mut self, kind: &SimKind, id: &str, spec: &Value) {
        let Some(sole) = kind.unique.filter(|sole| sole.is_exchanged) else { return };
        let Some(holder) = self.holder(kind, Some(id), spec) else { return };
        let own = self.thing(id).map(|thing| thing.now().spec[sole.field].clone());
        if let (Ok(own), Ok(holder)) = (own, self.thing(&holder)) {
            holder.turn(|life| life.spec[sole.field] = own);
        }
    }

    /// A guest finds its way in its pool.
    fn has_way(&mut self, who: &Address, kind: &SimKind, spec: &Value) {
        if kind.name() != "x.guest" {
            return;
        }
        let pool = ids(&spec["pool"]);
        let pool = self.things.iter().find(|it| pool.contains(&it.id));
        let ways = pool.and_then(|pool| pool.now().spec["ways"].as_array());
        if !ways.is_some_and(|ways| ways.contains(&spec["way"])) {
            self.violations.push(format!("{who} uses a way that its pool does not have"));
        }
    }

    /// No pool loses a way that a guest uses.
    fn is_unused(&mut self, who: &Address, id: &str, spec: &Value) {
        let Some(ways) = spec.get("ways").and_then(Value::as_array) else { return };
        let guests = self.things.iter().filter(|it| it.kind.name() == "x.guest" && it.is_there());
        let mut guests = guests.map(|guest| (&guest.id, &guest.now().spec));
        let lost = guests.find(|(_, guest)| ids(&guest["pool"]) == [id] && !ways.contains(&guest["way"]));
        if let Some(wrong) = lost.map(|(guest, _)| format!("{who} loses a way that {guest} uses")) {
            self.violations.push(wrong);
        }
    }

    /// Whoever refers to something must find it, ready.
    fn finds(&mut self, who: &Address, spec: &Value) -> Result<()> {
        for id in ids(spec) {
            let target = self.things.iter().find(|thing| thing.id == id && thing.is_there());
            let Some(target) = target else {
                self.violations.push(format!("{who} refers to {id}, which is not there"));
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

    fn thing(&mut self, id: &str) -> Result<&mut Thing> {
        let thing = self.things.iter_mut().find(|thing| thing.id == id && thing.is_there());
        thing.ok_or_else(|| answer(ErrorKind::NotFound, format!("there is no {id}")))
    }

    fn owner(&mut self, kind: &SimKind, tags: &Tags) -> Address {
        let address = tags.get(Address::ADDRESS_TAG).and_then(|text| text.parse().ok());
        if !tags.contains_key(Address::STACK_TAG) || address.is_none() {
            self.violations.push(format!("a {} was made that does not say whose it is", kind.name()));
        }
        address.unwrap_or_else(|| Address::root("nobody.s", "thing"))
    }
}
