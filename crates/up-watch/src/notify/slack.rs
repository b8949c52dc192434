//! Messages for an incoming webhook of Slack, and of what understands them (Mattermost, Rocket.Chat, Discord's `/slack`).

use serde_json::json;

use super::{Message, Outgoing};
use crate::{config::Secret, told::Transition};

/// So many lines are read; the page has the others.
const MOST_LINES: usize = 15;
/// A longer line is cut.
const LONGEST_LINE: usize = 300;

/// The request. To post it twice shows it twice: a delivery is only repeated if no answer came.
pub(super) fn request(url: &Secret, message: &Message) -> Outgoing {
    let body = json!({ "text": text(message) }).to_string().into_bytes();
    Outgoing { url: url.clone(), headers: vec![], body }
}

fn text(message: &Message) -> String {
    let Message { stack, account, region, drifted, transitions, left_out, url, .. } = message;
    let place = match (account, region) {
        (Some(account), Some(region)) => format!(" ({account}, {region})"),
        _ => String::new(),
    };
    let drifted = match drifted {
        0 => "nothing has drifted now".to_owned(),
        1 => "1 resource has drifted now".to_owned(),
        n => format!("{n} resources have drifted now"),
    };
    let title = format!("*{}*{}: {drifted}", escaped(stack), escaped(&place));
    let mut lines = vec![title];
    lines.extend(
        transitions.iter().take(MOST_LINES).map(|it| format!("{} {}", mark(it), escaped(&cut(&it.sentence())))),
    );
    let left_out = left_out + transitions.len().saturating_sub(MOST_LINES);
    if left_out > 0 {
        lines.push(format!("… and {left_out} more"));
    }
    lines.extend(url.as_ref().map(|url| format!("<{url}|Show>")));
    lines.join("\n")
}

fn mark(transition: &Transition) -> &'static str {
    match transition {
        Transition::New(_) => ":red_circle:",
        Transition::Changed(_) => ":large_orange_circle:",
        Transition::Failing(_) => ":warning:",
        Transition::Resolved(_) | Transition::Back(_) => ":white_check_mark:",
    }
}

fn cut(text: &str) -> String {
    if text.chars().count() <= LONGEST_LINE {
        return text.to_owned();
    }
    text.chars().take(LONGEST_LINE).chain(['…']).collect()
}

/// Text from AWS must neither mention people nor make links.
fn escaped(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim;

    #[test]
    fn a_message_mentions_nobody_and_is_short() {
        let hostile = sim::drift("<!channel> sg-1\n*", 7);
        let transitions = std::iter::repeat_n(Transition::New(hostile), 40).collect();
        let message = sim::message("prod", transitions);
        let text = text(&message);
        assert!(text.contains("&lt;!channel&gt; sg-1 *") && !text.contains("<!"), "{text}");
        assert_eq!(text.lines().count(), 1 + MOST_LINES + 2);
        assert!(text.contains("… and 25 more") && text.ends_with("/stacks/prod|Show>"), "{text}");
    }
}
