//! Progress of a run: a live view on a terminal, plain lines in a log.

mod board;

use std::{
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anstream::adapter::strip_str;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use up_apply::Event;
use up_core::Meter;
use up_plan::Plan;

pub(super) use self::board::{Board, Calls};
use crate::{secrets::masked, terminal};

/// How often the live view is redrawn.
const FRAME: Duration = Duration::from_millis(200);
/// How often a log says that the run goes on: CI systems end jobs that write nothing for ten minutes.
const SIGN_OF_LIFE: Duration = Duration::from_secs(60);

/// Shows the progress of a run on stderr. The view ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Progress {
    view: Arc<View>,
    /// Dropped to end the clock's thread.
    running: Option<mpsc::Sender<()>>,
    clock: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct View {
    board: Mutex<Board>,
    meter: Meter,
    begun: Instant,
    /// Absent in a log.
    live: Option<ProgressBar>,
}

impl Progress {
    /// Begins to show progress. `live` requires a terminal that nobody else writes to.
    pub(crate) fn watch(plan: &Plan, meter: Meter, live: bool) -> Self {
        let live = live.then(|| {
            let style = ProgressStyle::with_template("{msg}").expect("a valid template");
            ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()).with_style(style)
        });
        let view = Arc::new(View { board: Mutex::new(Board::new(plan)), meter, begun: Instant::now(), live });
        let (running, ended) = mpsc::channel();
        let clock = thread::spawn({
            let view = view.clone();
            let pause = if view.live.is_some() { FRAME } else { SIGN_OF_LIFE };
            move || {
                while ended.recv_timeout(pause) == Err(mpsc::RecvTimeoutError::Timeout) {
                    view.tick();
                }
            }
        });
        Self { view, running: Some(running), clock: Some(clock) }
    }

    /// Shows an event.
    pub(crate) fn take(&self, event: &Event) {
        self.view.take(event);
    }

    /// Writes a line above the view.
    pub(crate) fn say(&self, line: &str) {
        match &self.view.live {
            Some(bar) => bar.println(coloured(line)),
            None => terminal::say(line),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.running = None;
        // The panic hook has reported a panic of the clock; the run is not affected.
        let _ = self.clock.take().map(JoinHandle::join);
        if let Some(bar) = &self.view.live {
            bar.finish_and_clear();
        }
    }
}

impl View {
    fn take(&self, event: &Event) {
        let told = self.board().take(event, self.begun.elapsed());
        match (&self.live, told) {
            (None, Some(told)) => terminal::say(told.line),
            (Some(bar), Some(told)) if told.lasting => {
                self.draw(bar);
                bar.println(coloured(&told.line));
            }
            _ => {}
        }
    }

    fn tick(&self) {
        match &self.live {
            Some(bar) => self.draw(bar),
            None => terminal::say(self.board().sign_of_life(self.begun.elapsed(), self.calls())),
        }
    }

    fn draw(&self, bar: &ProgressBar) {
        let (height, width) = console::Term::stderr().size();
        let frame = self.board().frame(self.begun.elapsed(), self.calls(), (height.into(), width.into()));
        bar.set_message(coloured(&frame.join("\n")));
    }

    fn calls(&self) -> Calls {
        let sent = self.meter.counts().values().sum::<u64>();
        Calls { sent: usize::try_from(sent).unwrap_or(usize::MAX), held_back: self.meter.held_back() }
    }

    /// Valid even after a panic elsewhere, because each change updates one field.
    fn board(&self) -> std::sync::MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The text without secrets, and without colours if they are off: the live view does not use the stream that removes
/// them.
fn coloured(text: &str) -> String {
    let text = masked(text);
    if terminal::is_coloured() { text.into_owned() } else { strip_str(&text).to_string() }
}
