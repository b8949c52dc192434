//! Tells people about transitions: each once, and never in the way of a look.

mod deliver;
mod http;
mod message;
mod sign;
mod slack;

use jiff::Timestamp;

pub(crate) use self::{deliver::Notifier, sign::key};
pub use self::{
    http::{Answer, HttpTransport, Outgoing, Transport},
    message::Message,
};
use crate::{
    board::StackStatus,
    config::{NotifyKind, NotifyTarget},
    told::Transition,
};

impl Notifier {
    /// The messages for all targets that are to be told about `transitions`.
    pub(crate) fn messages(
        &self,
        status: &StackStatus,
        transitions: Vec<Transition>,
        at: Timestamp,
    ) -> Vec<(String, Message)> {
        if transitions.is_empty() {
            return vec![];
        }
        let message = Message::new(status, transitions, at, self.page_url());
        let is_told = |target: &&NotifyTarget| target.stacks.is_empty() || target.stacks.contains(&status.name);
        let targets = self.targets().iter().filter(is_told);
        targets.map(|target| (target.name.clone(), message.clone())).collect()
    }
}

/// The request that tells a target about a message.
fn request(target: &NotifyTarget, message: &Message, at: Timestamp) -> Outgoing {
    match &target.kind {
        NotifyKind::Slack { url } => slack::request(url, message),
        NotifyKind::Webhook { url, key } => sign::request(url, key, message, at),
    }
}
