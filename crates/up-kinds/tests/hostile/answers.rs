//! Whatever AWS answers, no kind panics; and no answer that lacks something reads as if there were nothing there: the
//! engine would make it a second time.

use proptest::{prelude::*, sample::Index};
use up_core::AnyKind;

use crate::{
    fake::{ANSWERS, ids, observe, services},
    fuzz::{spoils, spoilt, tries},
    parts::{AnswerPart, PartChange, changed, parts},
};

#[test]
fn every_kind_sees_what_was_recorded() {
    for kind in up_kinds::all() {
        let (observed, used) = observe(kind, None);
        let lacks = || {
            format!(
                "{} is not in answers.json: put one into `recorded.toml` of its case, and run record.py",
                kind.name()
            )
        };
        let observed = ids(observed).unwrap_or_else(|error| panic!("{}: {error}", lacks()));
        assert!(!observed.is_empty() && !used.is_empty(), "{}", lacks());
    }
}

/// Its limits, its error table and what its lists have reach every call with it.
#[test]
fn each_kind_calls_its_own_service_and_no_other() {
    for service in up_kinds::SERVICES {
        for kind in service.kinds.iter().copied() {
            let (name, called) = (kind.name(), services(kind));
            assert!(name.starts_with(&format!("{}.", service.name)), "{name} is a kind of {}", service.name);
            assert_eq!(called, [service.iam_prefix.to_owned()].into(), "{name}");
        }
    }
}

#[test]
fn an_answer_that_is_not_whole_is_never_read_as_less() {
    let html = "<html><head><title>Sign in</title></head><body>Please sign in.</body></html>";
    let mut wrong = vec![];
    for kind in up_kinds::all() {
        let (observed, used) = observe(kind, None);
        let whole = ids(observed).unwrap();
        for place in used.into_iter() {
            let body = &ANSWERS[place].body;
            let cut = (1..24).map(|part| {
                String::from_utf8_lossy(&body.as_bytes()[..body.trim_end().len() * part / 24]).into_owned()
            });
            let others = ["", "  \n", "{}", "null", "[]", "\"\"", html, "OK"].map(str::to_owned);
            for spoilt in others.into_iter().chain(cut) {
                let (observed, _) = observe(kind, Some((place, spoilt.clone().into_bytes())));
                if ids(observed).is_ok_and(|ids| ids != whole) {
                    wrong.push(format!("{} {} {spoilt:.200}", kind.name(), ANSWERS[place].operation));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} read as less:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn no_missing_part_hides_a_resource() {
    let mut wrong = vec![];
    let mut tried = 0;
    for kind in up_kinds::all() {
        let (observed, used) = observe(kind, None);
        let whole = ids(observed).unwrap();
        for place in used {
            let body = &ANSWERS[place].body;
            for part in parts(body).iter().filter(|part| part.path.len() > 1 || !body.starts_with('<')) {
                if is_item(part) || is_of_a_tag(part) {
                    continue;
                }
                tried += 1;
                let (observed, _) = observe(kind, Some((place, changed(body, part, &PartChange::Remove).into_bytes())));
                if ids(observed).is_ok_and(|ids| ids != whole) {
                    wrong.push(format!("{} {} {}", kind.name(), ANSWERS[place].operation, part.path.join("/")));
                }
            }
        }
    }
    assert!(tried > 1000, "{tried}");
    assert!(wrong.is_empty(), "{} of {tried} hide something:\n{}", wrong.len(), wrong.join("\n"));
}

/// An item of a list may be missing: then there is one less.
fn is_item(part: &AnswerPart) -> bool {
    let [.., list, item] = &part.path[..] else { return false };
    matches!(item.as_str(), "item" | "member") || *list == format!("{item}s") || item.parse::<usize>().is_ok()
}

/// What has no tags of ours is not ours: AWS does not say that there are none.
fn is_of_a_tag(part: &AnswerPart) -> bool {
    part.path
        .iter()
        .any(|name| name.to_lowercase().starts_with("tag") || name == "Description" || name == "description")
}

const WORDS: &[&str] = &[
    "",
    "-1",
    "0",
    "99999999999999999999",
    "1e999",
    "NaN",
    "null",
    "true",
    "[]",
    "{}",
    "\"\"",
    "[null]",
    "{\"a\":{}}",
    "NO_SUCH_WORD",
    "\u{1b}[2J\u{1b}]8;;x\u{7}",
    "\u{202e}",
    "\u{0}",
    "ü",
    "arn:",
    "arn:aws:x:y:z",
    "::::::",
    "/",
    "//",
    "2026-13-45T99:99:99Z",
    "65536",
    "-",
    "*",
    "10.0.0.0/99",
    "%zz",
    "%ff%fe",
    "{\"Statement\":",
    "<",
    "&",
    "&#0;",
    "</",
    "<item>",
    "]]>",
    "<!DOCTYPE a [",
    "xsi:nil",
];

fn changes() -> impl Strategy<Value = PartChange> {
    prop_oneof![
        2 => Just(PartChange::Remove),
        2 => Just(PartChange::Empty),
        2 => Just(PartChange::Repeat),
        6 => proptest::sample::select(WORDS).prop_map(|word| PartChange::Say(word.to_owned())),
        1 => any::<i64>().prop_map(|number| PartChange::Say(number.to_string())),
        1 => (1..20_000usize).prop_map(|times| PartChange::Say("a".repeat(times))),
    ]
}

/// A kind, and one of the answers it asks for.
fn chosen(kind: &Index, answer: &Index) -> (&'static dyn AnyKind, usize) {
    let all = up_kinds::all();
    let kind = all[kind.index(all.len())];
    let used: Vec<_> = observe(kind, None).1.into_iter().collect();
    (kind, used[answer.index(used.len())])
}

proptest! {
    #![proptest_config(tries(800))]

    #[test]
    fn no_changed_part_makes_a_kind_panic(
        kind in any::<Index>(), answer in any::<Index>(),
        all in proptest::collection::vec((any::<Index>(), changes()), 1..4),
    ) {
        let (kind, place) = chosen(&kind, &answer);
        let mut body = ANSWERS[place].body.clone();
        for (part, change) in &all {
            let parts = parts(&body);
            if !parts.is_empty() {
                body = changed(&body, &parts[part.index(parts.len())], change);
            }
        }
        drop(observe(kind, Some((place, body.into_bytes()))));
    }

    #[test]
    fn no_spoilt_byte_makes_a_kind_panic(kind in any::<Index>(), answer in any::<Index>(), spoils in spoils(WORDS)) {
        let (kind, place) = chosen(&kind, &answer);
        drop(observe(kind, Some((place, spoilt(ANSWERS[place].body.as_bytes(), &spoils)))));
    }
}
