//! The memory of a running watch, in its file after each change.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use tokio::sync::Notify;

use crate::{
    log::{Level, SharedLog},
    memory::{Memory, MemoryFile},
    notify::Message,
    told::Told,
};

/// Messages to one target that wait for delivery. The oldest give way to newer ones.
const LONGEST_QUEUE: usize = 200;

/// The memory of a running watch.
#[derive(Debug)]
pub(crate) struct Store {
    file: Option<MemoryFile>,
    memory: Mutex<Memory>,
    /// A message has come.
    pub(crate) arrived: Notify,
    /// True while the file cannot be written.
    is_failing: AtomicBool,
    log: SharedLog,
}

impl Store {
    pub(crate) fn new(file: Option<MemoryFile>, memory: Memory, log: SharedLog) -> Self {
        let (memory, arrived, is_failing) = (Mutex::new(memory), Notify::new(), AtomicBool::new(false));
        Self { file, memory, arrived, is_failing, log }
    }

    /// Keeps what is known about a stack, and messages for targets. Returns the targets whose queues were full.
    pub(crate) fn keep(&self, stack: &str, told: &Told, messages: Vec<(String, Message)>) -> Vec<String> {
        let has_messages = !messages.is_empty();
        let mut full = vec![];
        self.change(|memory| {
            memory.stacks.insert(stack.to_owned(), told.clone());
            for (target, message) in messages {
                let queue = memory.outbox.entry(target.clone()).or_default();
                queue.push_back(message);
                if queue.len() > LONGEST_QUEUE {
                    queue.pop_front();
                    full.push(target);
                }
            }
        });
        if has_messages {
            self.arrived.notify_waiters();
        }
        full
    }

    /// The oldest message for a target.
    pub(crate) fn first(&self, target: &str) -> Option<Message> {
        self.read(|memory| memory.outbox.get(target).and_then(|queue| queue.front().cloned()))
    }

    /// The number of messages that wait for a target.
    pub(crate) fn waiting(&self, target: &str) -> usize {
        self.read(|memory| memory.outbox.get(target).map_or(0, |queue| queue.len()))
    }

    /// Forgets a message.
    pub(crate) fn done(&self, target: &str, id: &str) {
        self.change(|memory| {
            if let Some(queue) = memory.outbox.get_mut(target) {
                queue.retain(|message| message.id != id);
            }
        });
    }

    pub(crate) fn read<T>(&self, read: impl FnOnce(&Memory) -> T) -> T {
        read(&self.memory.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the memory, and writes it. The lock is held while it is written, so that the file never becomes older.
    fn change(&self, change: impl FnOnce(&mut Memory)) {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut memory);
        let Some(file) = &self.file else { return };
        match file.write(&memory) {
            Ok(()) => {
                if self.is_failing.swap(false, Ordering::SeqCst) {
                    self.log.say(Level::Note, "the watch's memory is written again");
                }
            }
            Err(error) => {
                if !self.is_failing.swap(true, Ordering::SeqCst) {
                    let text = format!("{error}: what was told is not kept across a restart");
                    self.log.say(Level::Warning, &text);
                }
            }
        }
    }
}
