//! A value in one line, cut where it gets long or deep.

use super::place::Unavailable;
use super::value::{Elements, Field, Items, ItemsKind, Look, Value, View};
use std::ops::Range;

/// How deep values inside values are shown.
const DEEPEST: usize = 3;
/// How many fields or elements are shown.
const MOST_PARTS: usize = 10;
/// How long the line may get before parts are left out.
const LONGEST: usize = 160;

/// A value in one line.
pub(in crate::inspect) fn summary(look: &Look<'_>, view: &View) -> String {
    let mut line = Line {
        look,
        text: String::new(),
    };
    line.view(view, DEEPEST);
    line.text
}

/// The value of a key or a part, in a word or two.
pub(in crate::inspect) fn of_value(look: &Look<'_>, value: &Value) -> String {
    let mut line = Line {
        look,
        text: String::new(),
    };
    line.value(value, 1);
    line.text
}

/// The items of a container with these numbers, named: by their keys in a map, by their
/// numbers elsewhere.
pub(in crate::inspect) fn named(look: &Look<'_>, items: &Items, range: Range<u64>) -> Vec<Field> {
    let first = range.start;
    let found = items.page(look, range).into_iter().zip(first..);
    let named = found.map(|(item, number)| Field {
        name: match &item.key {
            Some(key) => format!("[{}]", of_value(look, key)),
            None => format!("[{number}]"),
        },
        value: item.value,
    });
    named.collect()
}

struct Line<'a> {
    look: &'a Look<'a>,
    text: String,
}

impl Line<'_> {
    fn view(&mut self, view: &View, depth: usize) {
        match view {
            View::Scalar(text) | View::Text(text, _) => self.text.push_str(text),
            View::Pointer {
                text,
                target: Some(target),
                is_transparent: true,
                ..
            } => self.reference(text, target, depth),
            View::Pointer {
                text,
                target: Some(target),
                ..
            } if depth > 1 && self.text.is_empty() => self.pointed(text, target, depth - 1),
            View::Pointer { text, .. } | View::Told { text, .. } => self.text.push_str(text),
            View::Fields {
                name,
                fields,
                is_tuple,
            } => self.fields(name.as_deref(), fields, *is_tuple, depth),
            View::Elements(elements) => self.elements(elements, depth),
            View::Items(items) => self.items(items, depth),
        }
    }

    fn value(&mut self, value: &Value, depth: usize) {
        self.viewed(self.look.view(value), depth);
    }

    fn viewed(&mut self, view: Result<View, Unavailable>, depth: usize) {
        match view {
            Ok(view) => self.view(&view, depth),
            Err(why) => self.text.push_str(&why.to_string()),
        }
    }

    /// A pointer that is not inside of something else, with what is there if that has parts.
    fn pointed(&mut self, text: &str, target: &Value, depth: usize) {
        self.text.push_str(text);
        let view = match self.look.view(target) {
            Ok(view) => view,
            // The pointer itself is all right.
            Err(_) => return,
        };
        let has_parts = match &view {
            View::Fields { fields, .. } => !fields.is_empty(),
            View::Pointer { is_transparent, .. } => *is_transparent,
            View::Items(_) | View::Elements(_) | View::Told { .. } => true,
            View::Text(..) => target.place.address().is_some(),
            View::Scalar(_) => false,
        };
        if has_parts {
            self.text.push_str(" -> ");
            self.view(&view, depth);
        }
    }

    fn reference(&mut self, text: &str, target: &Value, depth: usize) {
        match depth.checked_sub(1) {
            Some(deeper) => self.value(target, deeper),
            None => self.text.push_str(text),
        }
    }

    fn fields(&mut self, name: Option<&str>, fields: &[Field], is_tuple: bool, depth: usize) {
        if let Some(name) = name {
            self.text.push_str(name);
            if fields.is_empty() {
                return;
            }
        }
        let (open, close) = match (is_tuple, name) {
            (true, _) => ("(", ")"),
            (false, Some(_)) => (" {", "}"),
            (false, None) => ("{", "}"),
        };
        self.text.push_str(open);
        self.parts(fields.len() as u64, depth, |line, index, deeper| {
            let Some(field) = fields.get(index) else {
                return;
            };
            let view = line.look.view(&field.value);
            // A base class is named by its type.
            let says_its_name =
                matches!(&view, Ok(View::Fields { name: Some(name), .. }) if *name == field.name);
            if !is_tuple && !field.name.is_empty() && !says_its_name {
                line.text.push_str(&field.name);
                line.text.push_str(": ");
            }
            line.viewed(view, deeper);
        });
        self.text.push_str(close);
    }

    fn elements(&mut self, elements: &Elements, depth: usize) {
        self.text.push('[');
        self.parts(elements.count, depth, |line, index, deeper| {
            line.value(&elements.at(index as u64), deeper);
        });
        self.text.push(']');
    }

    fn items(&mut self, items: &Items, depth: usize) {
        let (open, close) = match items.kind {
            ItemsKind::List => ('[', ']'),
            ItemsKind::Set | ItemsKind::Map => ('{', '}'),
        };
        self.text.push(open);
        // None is shown where it is too deep; the first ones are all that can be.
        let shown = if depth > 0 { MOST_PARTS as u64 } else { 0 };
        let found = items.page(self.look, 0..shown);
        let reached = found.len() as u64;
        let count = match reached < items.count.min(shown) {
            true => reached,
            false => items.count,
        };
        self.parts(count, depth, |line, index, deeper| {
            let Some(item) = found.get(index) else {
                return;
            };
            if let Some(key) = &item.key {
                line.value(key, deeper);
                line.text.push_str(": ");
            }
            line.value(&item.value, deeper);
        });
        self.text.push(close);
    }

    /// Shows as many of `count` parts as fit.
    fn parts(&mut self, count: u64, depth: usize, mut show: impl FnMut(&mut Self, usize, usize)) {
        let Some(deeper) = depth.checked_sub(1) else {
            if count > 0 {
                self.text.push('…');
            }
            return;
        };
        for index in 0..count {
            if index > 0 {
                self.text.push_str(", ");
            }
            let at = usize::try_from(index).unwrap_or(usize::MAX);
            if at >= MOST_PARTS || self.text.len() > LONGEST {
                self.text.push_str(&format!("… {} more", count - index));
                return;
            }
            show(self, at, deeper);
        }
    }
}
