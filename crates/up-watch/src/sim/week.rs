//! Seven days of twenty stacks, with faults of all sorts.

use super::*;
use crate::{Cause, Verdict};

const HOUR: Duration = Duration::from_secs(3600);
const MINUTE: Duration = Duration::from_secs(60);
const INTERVAL: Duration = Duration::from_secs(900);
const DAYS: u32 = 7;

/// The time from hour `from` to hour `to`.
fn is_in(at: Duration, from: u32, to: u32) -> bool {
    (HOUR * from..HOUR * to).contains(&at)
}

fn drifted(address: &str, version: u64) -> Behaviour {
    Behaviour { drift: [(address.to_owned(), version)].into(), ..Behaviour::default() }
}

fn failing(cause: Cause) -> Behaviour {
    Behaviour { fails: Some(cause), ..Behaviour::default() }
}

/// What happens, with hours from the beginning.
fn script(stack: &str, at: Duration) -> Behaviour {
    let number: u32 = stack[6..].parse().unwrap();
    let clean = Behaviour::default();
    match number {
        // Drift that comes, becomes another, and goes, while the webhook is down.
        1 if is_in(at, 24, 27) => drifted("ec2.security_group.db", 1),
        1 if is_in(at, 27, 30) => drifted("ec2.security_group.db", 2),
        2 if is_in(at, 12, 14) => Behaviour { hangs: true, ..clean },
        // Drift whose kind cannot be read for a while has not gone.
        3 if is_in(at, 10, 20) => Behaviour { unread: vec!["ec2.vpc".into()], ..drifted("ec2.vpc.main", 1) },
        3 if is_in(at, 5, 25) => drifted("ec2.vpc.main", 1),
        4 if is_in(at, 40, 41) => failing(Cause::Input),
        5 if is_in(at, 90, 100) => drifted("ec2.vpc.main", 1),
        5 if is_in(at, 100, 120) => Behaviour { absent: true, ..clean },
        // A lock that nobody releases.
        6 if is_in(at, 50, 56) => failing(Cause::Busy),
        7 if is_in(at, 60, 63) => Behaviour { throttled: 30, ..failing(Cause::Failed) },
        8 if is_in(at, 70, 72) => Behaviour { hangs_early: true, ..clean },
        9 if is_in(at, 80, 81) => Behaviour { panics: true, ..clean },
        // A run ends.
        18 if is_in(at, 100, 200) => Behaviour { runs: 2, ..clean },
        18 => Behaviour { runs: 1, ..clean },
        10..18 if is_in(at, 7 * (number - 8), 7 * (number - 8) + 9) => drifted("logs.log_group.app", u64::from(number)),
        _ => clean,
    }
}

fn expected(stack: u32) -> Vec<String> {
    let told: &[&str] = match stack {
        1 => &["new ec2.security_group.db", "changed ec2.security_group.db", "resolved ec2.security_group.db"],
        2 => &["failing timed_out", "back timed_out"],
        3 => &[
            "new ec2.vpc.main",
            "failing unread ec2.vpc (AccessDenied)",
            "back unread ec2.vpc (AccessDenied)",
            "resolved ec2.vpc.main",
        ],
        4 => &["failing input", "back input"],
        5 => &["new ec2.vpc.main", "failing absent", "back absent"],
        6 => &["failing overdue", "back overdue"],
        7 | 9 => &["failing failed", "back failed"],
        8 => &["failing timed_out", "back timed_out"],
        10..18 => &["new logs.log_group.app", "resolved logs.log_group.app"],
        _ => &[],
    };
    told.iter().map(|told| format!("stack-{stack:02} {told}")).collect()
}

fn stacks() -> Vec<WatchedStack> {
    (0..20).map(|number| stack(&format!("stack-{number:02}"), INTERVAL)).collect()
}

/// The bytes that a watch keeps about its stacks.
fn retained(watch: &Watch) -> usize {
    format!("{:?}", watch.board().snapshot().1).len() + watch.metrics().text(crate::Format::OpenMetrics).len()
}

#[tokio::test(start_paused = true)]
async fn seven_days_of_twenty_stacks() {
    let world = World::new(script);
    let watch = world.watch(config(stacks()), None);
    let running = tokio::spawn({
        let watch = watch.clone();
        async move { watch.run().await }
    });
    let mut after_a_day = 0;
    for hour in 1..=24 * DAYS {
        tokio::time::sleep(HOUR).await;
        world.receiver.answers((!(24..48).contains(&hour)).then_some(200));
        match hour {
            24 => after_a_day = retained(&watch),
            72 => world.clock.jump(SignedDuration::from_mins(150)),
            96 => world.clock.jump(SignedDuration::from_hours(-2)),
            _ => {}
        }
        let (now, all) = watch.board().snapshot();
        for status in &all {
            let at = HOUR * hour;
            let behaviour = script(&status.name, at - MINUTE * 25);
            let lasts = script(&status.name, at).unread == behaviour.unread
                && script(&status.name, at).fails == behaviour.fails
                && script(&status.name, at).hangs == behaviour.hangs;
            let is_blind = !behaviour.unread.is_empty() || behaviour.hangs || behaviour.fails.is_some();
            assert!(!(lasts && is_blind && status.verdict() == Verdict::Clean), "{} in hour {hour}", status.name);
            if lasts && is_blind {
                assert!(watch.board().age(status, now) >= MINUTE * 20, "{} in hour {hour}", status.name);
            }
        }
    }
    let told = world.receiver.told();
    for number in 0..20 {
        let name = format!("stack-{number:02} ");
        let of_stack: Vec<_> = told.iter().filter(|told| told.starts_with(&name)).cloned().collect();
        assert_eq!(of_stack, expected(number));
    }
    let beside = world.looker.beside.lock().unwrap();
    assert_eq!(beside.len(), 10);
    assert!(beside.values().all(|(_, most)| *most == 1), "one look at a time in each account: {beside:?}");
    let usual = (24 * 4 * DAYS) as usize;
    for number in 0..20 {
        let looks = world.looker.seconds(&format!("stack-{number:02}")).len();
        assert!(
            (usual - 20..usual + 800).contains(&looks),
            "stack-{number:02} was looked at {looks} times, not {usual}"
        );
    }
    let (first, last) = (after_a_day, retained(&watch));
    assert!(last < first + first / 2, "{first} bytes after a day, {last} after {DAYS}");
    for said in [
        "the clock has jumped forward by 2h 30m",
        "the clock has jumped back by 2h",
        "notifications reach ops again",
        "ops takes no notifications",
        "stack-09: internal error",
        "stack-18: apply by alice has ended",
    ] {
        assert!(world.log.has(said), "{said}: {:#?}", world.log.0.lock().unwrap());
    }
    running.abort();
}

#[tokio::test(start_paused = true)]
async fn a_stack_is_looked_at_soon_after_a_run() {
    let ended = HOUR + MINUTE * 10;
    let script =
        move |_: &str, at: Duration| Behaviour { runs: if at < ended { 1 } else { 2 }, ..Behaviour::default() };
    let world = World::new(script);
    run(&world.watch(config(vec![stack("prod", HOUR * 6)]), None), HOUR * 5).await;
    let looks = world.looker.seconds("prod");
    assert_eq!(looks.len(), 2, "{looks:?}");
    assert!((ended.as_secs()..ended.as_secs() + 61).contains(&looks[1]), "{looks:?}");
}

#[tokio::test(start_paused = true)]
async fn a_busy_stack_is_looked_at_soon_again() {
    let script = |_: &str, at: Duration| if at < MINUTE * 50 { failing(Cause::Busy) } else { Behaviour::default() };
    let world = World::new(script);
    let watch = world.watch(config(vec![stack("prod", HOUR)]), None);
    run(&watch, MINUTE * 53).await;
    assert_eq!(watch.board().snapshot().1[0].verdict(), Verdict::Clean);
    assert!(world.receiver.told().is_empty(), "a run is no trouble");
}

#[tokio::test(start_paused = true)]
async fn a_restart_tells_nothing_again_and_forgets_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = crate::MemoryFile::at(&folder.path().join("memory/watch.json"));
    let both = |_: &str, _: Duration| Behaviour {
        drift: [("ec2.vpc.main".to_owned(), 1), ("ec2.vpc.other".to_owned(), 1)].into(),
        ..Behaviour::default()
    };
    let world = World::new(both);
    world.receiver.answers(None);
    run(&world.watch(config(vec![stack("prod", HOUR)]), Some(file.clone())), HOUR * 2).await;
    assert!(world.receiver.told().is_empty(), "the webhook was down");

    let world = World::new(both);
    run(&world.watch(config(vec![stack("prod", HOUR)]), Some(file.clone())), HOUR * 2).await;
    assert_eq!(world.receiver.told(), ["prod new ec2.vpc.main", "prod new ec2.vpc.other"]);

    let world = World::new(|_, _| drifted("ec2.vpc.main", 1));
    let watch = world.watch(config(vec![stack("prod", HOUR)]), Some(file.clone()));
    assert_eq!(watch.board().snapshot().1[0].verdict(), Verdict::Drift, "as it was known before the first look");
    run(&watch, HOUR * 2).await;
    assert_eq!(world.receiver.told(), ["prod resolved ec2.vpc.other"]);

    std::fs::write(folder.path().join("memory/watch.json"), b"{").unwrap();
    let world = World::new(|_, _| drifted("ec2.vpc.main", 1));
    run(&world.watch(config(vec![stack("prod", HOUR)]), Some(file)), HOUR).await;
    assert!(world.log.has("is damaged") && world.receiver.told() == ["prod new ec2.vpc.main"]);
}

#[tokio::test(start_paused = true)]
async fn a_webhook_that_is_down_holds_up_no_look_and_fills_no_memory() {
    // Drift that is another one at each look.
    let world = World::new(|_, at| drifted("ec2.vpc.main", at.as_secs()));
    world.receiver.answers(Some(503));
    let watch = world.watch(config(vec![stack("prod", MINUTE)]), None);
    let running = tokio::spawn({
        let watch = watch.clone();
        async move { watch.run().await }
    });
    tokio::time::sleep(HOUR * 24).await;
    let looks = world.looker.seconds("prod").len();
    assert!((1435..1445).contains(&looks), "{looks}");
    let text = watch.metrics().text(crate::Format::Prometheus);
    assert!(text.contains("bullstra_notifications_waiting{target=\"ops\"} 200"), "{text}");
    let dropped = text
        .lines()
        .find_map(|line| line.strip_prefix("bullstra_notifications_total{target=\"ops\",result=\"dropped\"} "));
    assert_eq!(dropped.unwrap().parse::<usize>().unwrap(), looks - 200);
    let attempts = *world.receiver.attempts.lock().unwrap();
    assert!(attempts < 120, "it was asked {attempts} times in a day");
    world.receiver.answers(Some(200));
    tokio::time::sleep(HOUR).await;
    assert!(world.receiver.told().len() >= 200);
    running.abort();
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_refused_stops_no_other() {
    let world = World::new(|_, at| if is_in(at, 1, 3) { drifted("ec2.vpc.main", 1) } else { Behaviour::default() });
    world.receiver.answers(Some(400));
    let watch = world.watch(config(vec![stack("prod", INTERVAL)]), None);
    let running = tokio::spawn({
        let watch = watch.clone();
        async move { watch.run().await }
    });
    tokio::time::sleep(HOUR * 2).await;
    world.receiver.answers(Some(200));
    tokio::time::sleep(HOUR * 2).await;
    assert_eq!(world.receiver.told(), ["prod resolved ec2.vpc.main"]);
    assert!(world.log.has("ops refused a notification about prod: HTTP 400"));
    running.abort();
}
