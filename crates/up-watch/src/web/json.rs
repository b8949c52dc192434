//! The state of all stacks as JSON.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    board::{Board, Phase, StackStatus},
    timeline::Moment,
    told::Transition,
};

/// The version of the object. It rises when a reader of the older form would misread the newer.
const FORMAT: u32 = 1;

pub(super) fn status(board: &Board) -> Value {
    let (now, stacks) = board.snapshot();
    let is_ready = !stacks.iter().any(|stack| board.is_overdue(stack, now));
    let stacks: Vec<_> = stacks.iter().map(|it| stack(board, it, now)).collect();
    json!({ "format": FORMAT, "at": now.second(), "began": board.begun().second(), "ready": is_ready, "stacks": stacks })
}

fn stack(board: &Board, stack: &StackStatus, now: Moment) -> Value {
    let phase = match stack.phase {
        Phase::Waiting => "waiting",
        Phase::Queued => "queued",
        Phase::Looking => "looking",
    };
    json!({
        "name": stack.name,
        "file": stack.file,
        "schedule": stack.schedule.to_string(),
        "state": stack.verdict().word(),
        "phase": phase,
        "overdue": board.is_overdue(stack, now),
        "age_seconds": board.age(stack, now).as_secs(),
        "last_complete_check": at(stack.complete),
        "last_look": at(stack.looked),
        "next_look": now.wall(stack.due),
        "seconds": stack.took.map(|took| took.as_secs_f64()),
        "failures": stack.failures,
        "failure": stack.failure,
        "trouble": stack.told.trouble,
        "drift": stack.told.drift.values().collect::<Vec<_>>(),
        "look": stack.look.as_deref(),
        "recent": stack.recent.iter().map(recent).collect::<Vec<_>>(),
    })
}

#[derive(Serialize)]
struct Recent {
    at: Timestamp,
    transition: &'static str,
    what: String,
}

fn recent((at, transition): &(Timestamp, Transition)) -> Recent {
    Recent { at: *at, transition: transition.word(), what: transition.sentence() }
}

fn at(moment: Option<Moment>) -> Option<Timestamp> {
    moment.map(|moment| moment.second())
}
