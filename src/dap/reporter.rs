//! What happens meanwhile, as events: output, log points, progress.

use super::outbox::Outbox;
use super::protocol::{
    Event, OutputEventBody, OutputEventCategory, ProgressEndEventBody, ProgressStartEventBody,
    ProgressUpdateEventBody,
};
use crate::debuggee::{Output, Stream};
use parking_lot::Mutex;
use std::time::{Duration, Instant};

/// Clients redraw at every update.
const BETWEEN_UPDATES: Duration = Duration::from_millis(100);
/// Work shorter than this shows no progress at all.
const UNTIL_SHOWN: Duration = Duration::from_millis(300);

/// Reports on one piece of work; its progress ends when it is dropped.
pub(super) struct Reporter {
    outbox: Outbox,
    /// Absent where the client shows no progress.
    progress: Option<Mutex<Progress>>,
    partial: Mutex<[Vec<u8>; 2]>,
}

struct Progress {
    id: String,
    title: String,
    request: Option<i64>,
    begun: Instant,
    shown: Option<Instant>,
    /// What is done now, if it has been told, and how much of it is.
    doing: Option<(u8, String)>,
}

impl Reporter {
    pub(super) fn new(
        outbox: Outbox,
        shows_progress: bool,
        title: &str,
        id: &str,
        request: Option<i64>,
    ) -> Self {
        let progress = shows_progress.then(|| {
            Mutex::new(Progress {
                id: id.to_owned(),
                title: title.to_owned(),
                request,
                begun: Instant::now(),
                shown: None,
                doing: None,
            })
        });
        Self {
            outbox,
            progress,
            partial: Mutex::default(),
        }
    }

    /// It has taken so long, and still does.
    pub(super) fn goes_on(&self, seconds: u64) {
        let Some(progress) = &self.progress else {
            return;
        };
        let mut progress = progress.lock();
        let (done, what) = match &progress.doing {
            Some((done, what)) => ((*done > 0).then_some(*done), format!("{what}, ")),
            None => (None, String::new()),
        };
        let message = format!("{what}for {seconds} s; pause or cancel to end it");
        self.show(&mut progress, done, message);
    }

    fn show(&self, progress: &mut Progress, percentage: Option<u8>, message: String) {
        let now = Instant::now();
        let percentage = percentage.map(|percentage| percentage.min(100).into());
        let message = Some(message);
        let event = match progress.shown {
            None if now - progress.begun < UNTIL_SHOWN => return,
            None => Event::ProgressStart(ProgressStartEventBody {
                progress_id: progress.id.clone(),
                title: progress.title.clone(),
                request_id: progress.request,
                cancellable: Some(true),
                message,
                percentage,
            }),
            Some(shown) if now - shown < BETWEEN_UPDATES => return,
            Some(_) => Event::ProgressUpdate(ProgressUpdateEventBody {
                progress_id: progress.id.clone(),
                message,
                percentage,
            }),
        };
        progress.shown = Some(now);
        self.outbox.event(&event);
    }

    fn output(&self, category: OutputEventCategory, output: String) {
        if !output.is_empty() {
            self.outbox.output(OutputEventBody {
                category: Some(category),
                output,
                ..OutputEventBody::default()
            });
        }
    }
}

pub(super) fn say(outbox: &Outbox, category: OutputEventCategory, line: &str) {
    outbox.output(OutputEventBody {
        category: Some(category),
        output: format!("{line}\n"),
        ..OutputEventBody::default()
    });
}

impl Output for Reporter {
    fn guest(&self, stream: Stream, bytes: &[u8]) {
        let (category, nth) = match stream {
            Stream::Stdout => (OutputEventCategory::Stdout, 0),
            Stream::Stderr => (OutputEventCategory::Stderr, 1),
        };
        let text = match self.partial.lock().get_mut(nth) {
            Some(partial) => whole_text(partial, bytes),
            None => String::from_utf8_lossy(bytes).into_owned(),
        };
        self.output(category, text);
    }

    fn console(&self, line: &str) {
        say(&self.outbox, OutputEventCategory::Console, line);
    }

    fn progress(&self, percentage: Option<u8>, message: &str) {
        let Some(progress) = &self.progress else {
            return;
        };
        let mut progress = progress.lock();
        let doing = percentage.filter(|done| *done < 100);
        progress.doing = doing.map(|done| (done, message.to_owned()));
        self.show(&mut progress, percentage, message.to_owned());
    }
}

impl Drop for Reporter {
    fn drop(&mut self) {
        let [stdout, stderr] = std::mem::take(&mut *self.partial.lock());
        for (category, rest) in [
            (OutputEventCategory::Stdout, stdout),
            (OutputEventCategory::Stderr, stderr),
        ] {
            self.output(category, String::from_utf8_lossy(&rest).into_owned());
        }
        if let Some(progress) = &self.progress {
            let progress = progress.lock();
            if progress.shown.is_some() {
                self.outbox.event(&Event::ProgressEnd(ProgressEndEventBody {
                    progress_id: progress.id.clone(),
                    message: None,
                }));
            }
        }
    }
}

/// The text of these bytes and those kept from before; the start of a character
/// whose rest has not come yet is kept for the next time.
fn whole_text(partial: &mut Vec<u8>, bytes: &[u8]) -> String {
    partial.extend_from_slice(bytes);
    let kept = partial
        .utf8_chunks()
        .last()
        .map(|chunk| chunk.invalid())
        .filter(|invalid| {
            // Cut short, not wrong: what std calls an incomplete sequence.
            std::str::from_utf8(invalid).is_err_and(|error| error.error_len().is_none())
        })
        .map_or(0, <[u8]>::len);
    let rest = partial.split_off(partial.len() - kept);
    let text = String::from_utf8_lossy(partial).into_owned();
    *partial = rest;
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_whole_wherever_it_was_cut() {
        let text = "grün 🦀 – \u{fffd}";
        let mut bytes = text.as_bytes().to_vec();
        bytes.extend_from_slice(b"\xff!");
        let expected = String::from_utf8_lossy(&bytes).into_owned();
        for size in 1..=bytes.len() {
            let mut partial = Vec::new();
            let read: String = bytes
                .chunks(size)
                .map(|chunk| whole_text(&mut partial, chunk))
                .collect();
            assert_eq!(
                (read, partial),
                (expected.clone(), Vec::new()),
                "in pieces of {size}"
            );
        }
    }
}
