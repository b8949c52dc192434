//! The decision in random worlds: whatever happens to clocks, tags and stacks, nothing is taken that should stay.
//!
//! A world knows the truth of each stack: how it was created, until when its users want it, and when its resources were really
//! created. The decision sees only tags and what AWS tells. `SWEEP_WORLDS=1000000` tries more, `SWEEP_SEED` others.

use jiff::{SignedDuration, Timestamp};
use up_core::{Stamps, Tags};

use super::decide::{Decision, SweptResource, YOUNG, decide};

/// How many worlds each run tries.
const WORLDS: u64 = 20_000;
const MINUTE: i64 = 60;

/// Numbers that look like chance: splitmix64.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, many: u64) -> i64 {
        i64::try_from(self.next() % many).unwrap()
    }

    fn one_in(&mut self, many: u64) -> bool {
        self.below(many) == 0
    }
}

/// A resource, and when it was really created.
struct Resource {
    tags: Tags,
    /// In seconds.
    born: i64,
    /// Whether AWS tells when it was created.
    tells: bool,
    is_protected: bool,
}

/// A stack, and what its users want.
struct TrueStack {
    resources: Vec<Resource>,
    /// Until when its users want it, in seconds; for ever if it was not created as disposable, or if somebody has taken a stamp
    /// from it.
    wanted_until: Option<i64>,
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn set(tags: &mut Tags, key: &str, value: impl Into<String>) {
    tags.insert(key.to_owned(), value.into());
}

impl TrueStack {
    /// The life of a stack until `now`.
    fn random(dice: &mut Dice, now: i64) -> Self {
        // Stacks of up to four days, in a world where most lives are of hours.
        let born = now - dice.below(4 * 24 * 60) * MINUTE;
        let ttl = 30 * MINUTE + dice.below(36 * 60) * MINUTE;
        let is_disposable = !dice.one_in(4);
        let mut stack = Self { resources: vec![], wanted_until: is_disposable.then_some(born + ttl) };
        // A stack may be half-made: a run was killed.
        let many = 1 + dice.below(8);
        for _ in 0..many {
            let created = born + dice.below(40) * MINUTE;
            stack.create(dice, created, now, is_disposable, born + ttl);
        }
        for _ in 0..dice.below(4) {
            stack.event(dice, now);
        }
        stack
    }

    fn create(&mut self, dice: &mut Dice, born: i64, now: i64, is_disposable: bool, expires: i64) {
        let born = born.min(now);
        let mut tags = Tags::new();
        if is_disposable {
            set(&mut tags, Stamps::DISPOSABLE_TAG, "true");
            set(&mut tags, Stamps::EXPIRES_TAG, Stamps::text(at(expires)));
            set(&mut tags, Stamps::CREATED_TAG, Stamps::text(at(born)));
        }
        self.resources.push(Resource { tags, born, tells: dice.one_in(2), is_protected: false });
    }

    /// The latest expiry that a reader of the tags finds.
    fn latest(&self) -> Option<i64> {
        self.resources.iter().filter_map(|it| Stamps::of(&it.tags).expires).map(Timestamp::as_second).max()
    }

    fn any(&mut self, dice: &mut Dice) -> &mut Resource {
        let place = usize::try_from(dice.below(self.resources.len() as u64)).unwrap();
        &mut self.resources[place]
    }

    fn event(&mut self, dice: &mut Dice, now: i64) {
        match dice.below(9) {
            // Extended, by half perhaps: the user was told the new end.
            0 | 1 => {
                let Some(latest) = self.latest() else { return };
                let when = now - dice.below(24 * 60) * MINUTE;
                let expires = latest.max(when) + (1 + dice.below(12)) * 60 * MINUTE;
                let reached = 1 + usize::try_from(dice.below(self.resources.len() as u64)).unwrap();
                let mut is_stamped = false;
                for resource in self.resources.iter_mut().take(reached) {
                    let stamps = Stamps::of(&resource.tags);
                    if stamps.is_disposable && stamps.expires.is_some() {
                        set(&mut resource.tags, Stamps::EXPIRES_TAG, Stamps::text(at(expires)));
                        is_stamped = true;
                    }
                }
                if let (true, Some(until)) = (is_stamped, &mut self.wanted_until) {
                    *until = expires.max(*until);
                }
            }
            // Another apply adds a resource: with the stack's expiry, or without stamps if the file has changed since.
            2 | 3 => {
                let born = now - dice.below(3 * 60) * MINUTE;
                let is_disposable = self.wanted_until.is_some() && !dice.one_in(4);
                let expires = self.latest().unwrap_or(born);
                self.create(dice, born, now, is_disposable, expires);
                if !is_disposable {
                    self.wanted_until = None;
                }
            }
            // Somebody takes a stamp away, or writes something else.
            4 => {
                let text = ["", "never", "2026-13-45", "tomorrow", "false"][usize::try_from(dice.below(5)).unwrap()];
                let key = [Stamps::DISPOSABLE_TAG, Stamps::EXPIRES_TAG][usize::try_from(dice.below(2)).unwrap()];
                let is_removed = dice.one_in(2);
                let tags = &mut self.any(dice).tags;
                if is_removed {
                    tags.remove(key);
                } else {
                    set(tags, key, text);
                }
                self.wanted_until = None;
            }
            // The tag with the age is lost: where AWS does not tell, nobody knows the age.
            5 => _ = self.any(dice).tags.remove(Stamps::CREATED_TAG),
            // A copy of a resource with its tags, of a kind that tells its age: a restored database.
            6 => {
                let tags = self.any(dice).tags.clone();
                let born = now - dice.below(2 * 60) * MINUTE;
                self.resources.push(Resource { tags, born, tells: true, is_protected: false });
            }
            // Somebody switches AWS's deletion protection on.
            7 => {
                self.any(dice).is_protected = true;
                self.wanted_until = None;
            }
            // A clock that was wrong when a resource was created: as far as AWS takes calls at all.
            _ => {
                let wrong = (dice.below(11) - 5) * MINUTE;
                let resource = self.any(dice);
                if let Some(created) = Stamps::of(&resource.tags).created {
                    let shifted = Stamps::text(at(created.as_second() + wrong));
                    set(&mut resource.tags, Stamps::CREATED_TAG, shifted);
                }
            }
        }
    }

    /// True if the stack may be destroyed, by the truth.
    fn may_be_taken(&self, now: i64) -> bool {
        // A clock may be wrong by five minutes.
        let young = i64::try_from(YOUNG.as_secs()).unwrap() - 5 * MINUTE;
        let is_expired = self.wanted_until.is_some_and(|until| until <= now);
        is_expired && self.resources.iter().all(|resource| now - resource.born >= young)
    }

    /// True if nothing speaks for keeping it, and everything is known.
    fn must_be_taken(&self, now: i64) -> bool {
        let is_known = |resource: &Resource| resource.tells || resource.tags.contains_key(Stamps::CREATED_TAG);
        let is_old = |resource: &Resource| now - resource.born > 40 * MINUTE;
        self.may_be_taken(now) && self.resources.iter().all(|resource| is_known(resource) && is_old(resource))
    }

    /// What a look shows.
    fn seen(&self) -> Vec<SweptResource> {
        let seen = self.resources.iter().enumerate().map(|(number, resource)| SweptResource {
            name: number.to_string(),
            stamps: Stamps::of(&resource.tags),
            created: resource.tells.then(|| at(resource.born)),
            is_protected: resource.is_protected,
        });
        seen.collect()
    }
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn nothing_is_wrongly_taken_in_random_worlds() {
    let (worlds, seed) = (number("SWEEP_WORLDS", WORLDS), number("SWEEP_SEED", 2026));
    let now = at(1_795_000_000).as_second();
    let (mut stacks, mut taken, mut missed) = (0, 0, 0);
    for world in 0..worlds {
        let mut dice = Dice(seed.wrapping_mul(1_000_003).wrapping_add(world));
        for _ in 0..1 + dice.below(6) {
            let stack = TrueStack::random(&mut dice, now);
            let decision = decide(at(now), &stack.seen());
            stacks += 1;
            assert!(
                !decision.destroys() || stack.may_be_taken(now),
                "world {world} of seed {seed}: {decision:?}, wanted until {:?}, at {now}: {:?}",
                stack.wanted_until,
                stack.seen()
            );
            taken += u64::from(decision.destroys());
            missed += u64::from(!decision.destroys() && stack.must_be_taken(now));
        }
    }
    assert_eq!(missed, 0, "of {stacks} stacks");
    // Else the test shows nothing.
    assert!(taken * 10 > stacks, "{taken} of {stacks} were taken");
}

#[test]
fn a_clock_that_jumps_takes_only_what_has_expired_by_it() {
    let mut dice = Dice(7);
    let now = 1_795_000_000;
    for _ in 0..2_000 {
        let stack = TrueStack::random(&mut dice, now);
        // Back: what was created lies in the future, and stays.
        let back = decide(at(now - 10 * 24 * 3600), &stack.seen());
        assert!(!back.destroys(), "{back:?}");
        // Ahead: what is not disposable stays all the same.
        if stack.wanted_until.is_none() {
            let ahead = decide(at(now + 365 * 24 * 3600), &stack.seen());
            assert!(!ahead.destroys(), "{ahead:?}");
        }
    }
    assert_eq!(decide(at(now), &[]), Decision::Gone);
    let limit = SignedDuration::try_from(YOUNG).unwrap();
    assert_eq!(limit.as_secs(), 1800);
}
