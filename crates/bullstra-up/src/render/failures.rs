//! Failures, with each reason shown once.

use up_apply::Outcome;
use up_core::{Address, Error, ErrorKind};
use up_engine::{Level, advice};
use up_plan::{Plan, Step};

use super::{
    style::{QUIET, STRONG, message, paint},
    text::{count, safe},
    verb::VerbForms,
};

/// A longer word is a token, which differs each time.
const LONGEST_WORD: usize = 80;
/// This many hexadecimal digits in a row are part of an id.
const ID_DIGITS: usize = 8;

/// Resources that failed for the same reason.
struct FailureGroup<'a> {
    verb: &'static str,
    about: Vec<&'a Address>,
    error: &'a Error,
    /// True if the messages differ only in ids and tokens.
    is_alike: bool,
    hint: Option<String>,
}

/// The failed step of a resource: its first step that was not done.
pub(super) fn failed_step<'a>(plan: &'a Plan, outcome: &Outcome, address: &Address) -> Option<(usize, &'a Step)> {
    let mut steps = plan.steps.iter().enumerate();
    steps.find(|(index, step)| step.address == *address && !outcome.finished.contains(index))
}

/// All failures; resources that failed for the same reason share a message.
pub(super) fn failures(plan: &Plan, outcome: &Outcome) -> Vec<String> {
    let mut failures: Vec<FailureGroup<'_>> = vec![];
    for (address, error) in &outcome.failed {
        let step = failed_step(plan, outcome, address).map(|(_, step)| step);
        let verb = step.map_or("handle", |step| VerbForms::of(step).plain);
        let calls = step.map(|step| step.calls.as_slice()).unwrap_or_default();
        // The hint about credentials concerns the whole run: the summary ends with it.
        let hint = advice(error, calls, outcome.holders.get(address));
        let hint = hint.filter(|_| error.kind != ErrorKind::Credentials);
        let is_same = |known: &&mut FailureGroup<'_>| {
            let gists = || gist(&known.error.message) == gist(&error.message);
            (known.verb, &known.error.code, &known.hint) == (verb, &error.code, &hint) && gists()
        };
        match failures.iter_mut().find(is_same) {
            Some(known) => {
                known.about.push(address);
                known.is_alike |= known.error.message != error.message;
            }
            None => failures.push(FailureGroup { verb, about: vec![address], error, is_alike: false, hint }),
        }
    }
    failures.iter().flat_map(FailureGroup::lines).collect()
}

impl FailureGroup<'_> {
    fn lines(&self) -> Vec<String> {
        let Error { code, message: text, request_id, .. } = self.error;
        let what = match &self.about[..] {
            [only] => only.to_string(),
            several => {
                let list: Vec<_> = several.iter().map(|address| format!("\n  {address}")).collect();
                format!("{}:{}", count(several.len(), "resource"), list.concat())
            }
        };
        let text = if self.is_alike { gist(text) } else { text.clone() };
        let mut lines = vec![
            message(Level::Error, &format!("failed to {} {what}", self.verb)),
            format!("       {}: {}", paint(STRONG, safe(code)), safe(&text)),
        ];
        let request = request_id.as_ref().filter(|_| self.about.len() == 1);
        lines.extend(request.map(|id| format!("       {}", paint(QUIET, format_args!("request id {}", safe(id))))));
        lines.extend(self.hint.as_ref().map(|hint| message(Level::Hint, hint)));
        lines.push(String::new());
        lines
    }
}

/// A message without the parts that differ between resources: ARNs, ids and tokens.
fn gist(text: &str) -> String {
    let words = text.split(' ').map(|word| if is_particular(word) { "…" } else { word });
    words.collect::<Vec<_>>().join(" ")
}

fn is_particular(word: &str) -> bool {
    let mut runs = word.split(|c: char| !c.is_ascii_hexdigit());
    let has_id = runs.any(|run| run.len() >= ID_DIGITS && run.contains(|c: char| c.is_ascii_digit()));
    word.contains("arn:") || has_id || word.len() > LONGEST_WORD
}
