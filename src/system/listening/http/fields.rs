//! Headers that the program makes, or looks at.

use super::learnt::learn;
use super::{Headers, MOST_HEADERS, Thing, get, get_mut, put_first, thing};
use crate::inspect::hostcall::lift::Lifted;
use crate::inspect::past::requests::values::{headers, is_ok, text};
use crate::system::listening::call::Call;
use crate::system::listening::hearing::Hearing;

/// Headers that the program makes, or looks at.
pub(super) fn fields(heard: &mut Hearing, call: &Call<'_>, asked: &str, answer: Option<&Lifted>) {
    let name = || {
        call.argument("name")
            .and_then(text)
            .map(|name| name.to_ascii_lowercase())
    };
    match asked {
        "from-list" if answer.is_some_and(is_ok) => {
            let mut made = call.argument("entries").map(headers).unwrap_or_default();
            for (name, _) in &mut made {
                name.make_ascii_lowercase();
            }
            made.truncate(MOST_HEADERS);
            put_first(heard, call, answer, thing(Thing::Made(made)));
        }
        "clone" => {
            let copy = match get(heard, call.own()) {
                Some(Thing::Made(made)) => made.clone(),
                Some(Thing::Received(end)) => {
                    let end = *end;
                    let head = heard.end(end).and_then(|end| end.received.head.as_ref());
                    head.map(|head| head.headers.clone()).unwrap_or_default()
                }
                _ => return,
            };
            put_first(heard, call, answer, thing(Thing::Made(copy)));
        }
        "set" | "append" | "delete" | "get-and-delete" if answer.is_some_and(is_ok) => {
            let values: Vec<String> = match call.argument("value") {
                Some(value @ Lifted::Bytes(_)) => value_text(value).into_iter().collect(),
                Some(Lifted::List(list)) => list.head.iter().filter_map(value_text).collect(),
                _ => Vec::new(),
            };
            let Some(name) = name() else { return };
            if let Some(Thing::Made(made)) = get_mut(heard, call.own()) {
                if asked != "append" {
                    made.retain(|(of, _)| *of != name);
                }
                if !asked.ends_with("delete") {
                    made.extend(values.into_iter().map(|value| (name.clone(), value)));
                }
                made.truncate(MOST_HEADERS);
            }
        }
        "get" | "entries" | "copy-all" => {
            let Some(Thing::Received(end)) = get(heard, call.own()) else {
                return;
            };
            let end = *end;
            let learnt: Headers = match (asked, answer) {
                ("get", Some(Lifted::List(list))) => {
                    let Some(name) = name() else { return };
                    let values = list.head.iter().filter_map(value_text);
                    values.map(|value| (name.clone(), value)).collect()
                }
                (_, Some(list)) => headers(list),
                _ => return,
            };
            learn(heard, end, |head| {
                for (name, value) in learnt {
                    let line = (name.to_ascii_lowercase(), value);
                    if !head.headers.contains(&line) && head.headers.len() < MOST_HEADERS {
                        head.headers.push(line);
                    }
                }
            });
        }
        _ => {}
    }
}

pub(super) fn value_text(value: &Lifted) -> Option<String> {
    match value {
        Lifted::Bytes(bytes) => Some(String::from_utf8_lossy(&bytes.head).into_owned()),
        _ => None,
    }
}
