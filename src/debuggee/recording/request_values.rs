//! A request and its answer as values: what the frame shows that is the request.

use super::Recording;
use super::awaited::Part;
use super::boundary::CrossingFrame;
use crate::debuggee::{Children, DebuggeeError, Page, ValueKind, ValuesRef, VariableView, grouped};
use crate::inspect::hostcall::lift::{Bytes, Lifted};
use crate::inspect::hostcall::wave;
use crate::inspect::past::chronicle::Until;
use crate::inspect::past::requests::{Request, RequestEnding};
use std::sync::Arc;

/// Bytes of a body in a line, and how long that may be with what is escaped.
const SHOWN: usize = 1000;
const LONGEST: usize = 8 * SHOWN;

fn row(name: &str, value: String) -> VariableView {
    VariableView {
        name: name.to_owned(),
        value,
        kind: ValueKind::Virtual,
        ..VariableView::default()
    }
}

/// Headers, which unfold.
fn headers(name: &str, values: String, headers: &[(String, String)]) -> VariableView {
    let count = headers.len() as u64;
    VariableView {
        children: (count > 0).then_some(Children {
            values: ValuesRef(values),
            named: Some(count),
            indexed: None,
        }),
        ..row(
            name,
            match count {
                1 => "1 header".to_owned(),
                _ => format!("{count} headers"),
            },
        )
    }
}

/// A body of this length, of which these are the first bytes.
fn body(head: &[u8], length: u64) -> String {
    let bytes = Bytes {
        length,
        pointer: 0,
        head: head.get(..SHOWN).unwrap_or(head).to_vec(),
    };
    let text = wave::text(&Lifted::Bytes(bytes), LONGEST);
    match length > SHOWN as u64 {
        true => format!("{} bytes: {text}", grouped(length)),
        false => text,
    }
}

/// So much of it, where there will be more.
fn so_far(name: &str, here: u64, all: u64, done: &str) -> Option<VariableView> {
    let (here, all) = (grouped(here), grouped(all));
    (here != all).then(|| row(name, format!("{here} of the {all} bytes that {done}")))
}

impl Recording {
    /// What is known of the request that a frame is, as values.
    pub(super) fn request_values(
        &mut self,
        frame: &CrossingFrame,
        path: &str,
        steps: &[&str],
        page: Page,
    ) -> Result<Vec<VariableView>, DebuggeeError> {
        let request = self.request_of(frame);
        let request =
            request.ok_or_else(|| DebuggeeError::other("these values are not there any more"))?;
        let page_of = |headers: &[(String, String)]| {
            let rows = headers.iter().skip(page.start);
            let rows = rows.take(page.count.unwrap_or(usize::MAX));
            rows.map(|(name, value)| row(name, value.clone())).collect()
        };
        match steps {
            [] => {}
            ["answer", ..] => return Ok(page_of(&self.answer_to(&request)?.answer_headers)),
            _ => return Ok(page_of(&request.headers)),
        }
        let unknown = || "<not known: the program has not asked for it>".to_owned();
        let known = |text: &Option<String>| text.clone().unwrap_or_else(unknown);
        let here = self.timeline.here().event;
        let (head, length) = (request.body.head_at(here), request.body.length_at(here));
        let mut rows = vec![
            row("number", request.number.to_string()),
            row("method", known(&request.method)),
            row("uri", known(&request.target)),
            row("authority", known(&request.authority)),
            headers("headers", format!("{path}/headers"), &request.headers),
            row("body", body(head, length)),
        ];
        let received = request.received;
        rows.extend(so_far("body read", length, received, "it will have read"));
        let status = request.status.map(|status| status.to_string());
        rows.push(row("status", status.unwrap_or_else(|| "none".to_owned())));
        rows.push(row("outcome", request.told()));
        rows.extend(self.answer_rows(&request, path, here));
        Ok(rows)
    }

    /// The answer, whenever it is given.
    fn answer_rows(&mut self, request: &Request, path: &str, here: u64) -> Vec<VariableView> {
        let is_given = request.status.is_some() && request.entered.is_some();
        if !is_given && request.sent == 0 {
            return Vec::new();
        }
        let answer = match self.answer_to(request) {
            Ok(answer) => answer,
            Err(error) => return vec![row("answer", format!("<{error}>"))],
        };
        // Where the program trapped before it answered, the server did in its place.
        let is_own = answer.status.is_some();
        if !is_own
            && matches!(
                request.ending,
                RequestEnding::Trapped(_) | RequestEnding::Failed(_)
            )
        {
            return vec![row("answer", "<none of the program's own>".to_owned())];
        }
        let given = &answer.answer_body;
        let unknown = request.sent > 0 && given.head.is_empty();
        let shown = match unknown {
            true => format!(
                "<{} bytes: the program handed them on without having them itself>",
                grouped(request.sent)
            ),
            false => body(&given.head, given.length.max(request.sent)),
        };
        let mut rows = vec![
            headers(
                "answer headers",
                format!("{path}/answer"),
                &answer.answer_headers,
            ),
            row("answer body", shown),
        ];
        if !unknown {
            let written = given.length_at(here);
            rows.extend(so_far(
                "answer written",
                written,
                given.length,
                "it will have written",
            ));
        }
        rows
    }

    /// A request with its answer. It is in the program's own memory, so a replay tells; until it
    /// has come so far, there is none.
    fn answer_to(&mut self, request: &Request) -> Result<Arc<Request>, DebuggeeError> {
        let known = self.finding.answered.as_ref();
        if let Some(known) = known.filter(|known| known.number == request.number) {
            return Ok(known.clone());
        }
        let until = request.end.map_or(Until::End, Until::Call);
        let said = self.ask_chronicle(until, Part::Values, |chronicle| chronicle.said(until))?;
        let answered = request.answered(self.timeline.trace(), &said, || true);
        let answered = answered
            .ok_or_else(|| DebuggeeError::other("the answer of this request is not known"))?;
        let answered = Arc::new(answered);
        self.finding.answered = Some(answered.clone());
        Ok(answered)
    }
}
