//! Values that `print` has shown: `$` is the last, `$$` the one before, `$3` the third.

use crate::dap::protocol::EvaluateResponse;
use anyhow::{Context, bail};

/// Values that are kept; the first ones go.
const KEPT: usize = 10_000;

#[derive(Debug, Default)]
pub(super) struct History {
    values: Vec<Shown>,
    /// How many have gone.
    gone: usize,
}

/// A value as it was when it was shown.
#[derive(Debug, Clone)]
pub(super) struct Shown {
    expression: String,
    type_name: Option<String>,
    value: String,
}

impl Shown {
    /// Its expression, its type and itself.
    pub(super) fn parts(self) -> (String, Option<String>, String) {
        (self.expression, self.type_name, self.value)
    }

    /// An expression that gives it anywhere: of a number and a pointer.
    fn literal(&self) -> Option<String> {
        let first = self.value.split_whitespace().next().unwrap_or_default();
        let is_number = first.parse::<i128>().is_ok() || first.parse::<f64>().is_ok();
        if is_number || matches!(first, "true" | "false") {
            return Some(format!("({first})"));
        }
        let is_address = first
            .strip_prefix("0x")
            .is_some_and(|hex| u64::from_str_radix(hex, 16).is_ok());
        let pointer = self.type_name.as_deref().filter(|name| name.ends_with('*'));
        match (is_address, pointer) {
            (true, Some(pointer)) => Some(format!("(({pointer}){first})")),
            (true, None) => Some(first.to_owned()),
            (false, _) => None,
        }
    }
}

impl History {
    pub(super) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    pub(super) fn keep(&mut self, expression: &str, value: &EvaluateResponse) {
        if self.values.len() == KEPT {
            self.values.remove(0);
            self.gone += 1;
        }
        self.values.push(Shown {
            expression: expression.to_owned(),
            type_name: value.type_field.clone(),
            value: value.result.clone(),
        });
    }

    /// The lines of `show values`.
    pub(super) fn lines(&self) -> Vec<String> {
        /// A console is not the place for more.
        const SHOWN: usize = 10;
        let all = (self.gone + 1..).zip(&self.values);
        let lines = all.map(|(number, shown)| {
            let Shown {
                expression, value, ..
            } = shown;
            format!("${number}  {expression} = {value}")
        });
        lines
            .skip(self.values.len().saturating_sub(SHOWN))
            .collect()
    }

    /// The value that a whole expression names; the last for none at all.
    pub(super) fn shown(&self, expression: &str) -> anyhow::Result<Option<Shown>> {
        match reference(expression.trim()) {
            _ if expression.is_empty() => self.at(Reference::Back(0)).map(Some),
            Some((reference, "")) => self.at(reference).map(Some),
            _ => Ok(None),
        }
    }

    fn at(&self, reference: Reference) -> anyhow::Result<Shown> {
        let index = match reference {
            Reference::Number(number) => number.checked_sub(self.gone + 1),
            Reference::Back(back) => self.values.len().checked_sub(back + 1),
        };
        let found = index.and_then(|index| self.values.get(index));
        found
            .cloned()
            .context("no value has that number; `show values` lists those that were printed")
    }

    /// An expression with the values that it names put in.
    pub(super) fn replaced(&self, expression: &str) -> anyhow::Result<String> {
        let mut text = String::new();
        let mut rest = expression;
        let mut quote = None;
        while let Some(c) = rest.chars().next() {
            if let (None, Some((reference, after))) = (quote, reference(rest)) {
                let shown = self.at(reference)?;
                let Some(literal) = shown.literal() else {
                    bail!(
                        "what `{}` was is kept as text only: {}; within an expression, numbers \
                         and pointers can be used again",
                        shown.expression,
                        shown.value
                    );
                };
                text.push_str(&literal);
                rest = after;
                continue;
            }
            quote = match (c, quote) {
                ('"' | '\'', None) => Some(c),
                (c, Some(open)) if c == open => None,
                (_, quote) => quote,
            };
            text.push(c);
            rest = rest.get(c.len_utf8()..).unwrap_or_default();
        }
        Ok(text)
    }
}

/// Which value is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reference {
    Number(usize),
    Back(usize),
}

/// `$`, `$$`, `$3`, `$$2` at the beginning of a text, and what follows.
fn reference(text: &str) -> Option<(Reference, &str)> {
    let rest = text.strip_prefix('$')?;
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let (is_back, rest) = match rest.strip_prefix('$') {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    let (number, after) = rest.split_at(digits(rest));
    let goes_on = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    if after.starts_with(goes_on) {
        return None;
    }
    let reference = match (is_back, number) {
        (false, "") => Reference::Back(0),
        (true, "") => Reference::Back(1),
        (false, number) => Reference::Number(number.parse().ok()?),
        (true, number) => Reference::Back(number.parse().ok()?),
    };
    Some((reference, after))
}

#[cfg(test)]
mod tests {
    use super::{EvaluateResponse, History};

    #[test]
    fn values_are_meant_by_their_numbers() {
        let mut history = History::default();
        for (expression, value, type_name) in [
            ("n", "-5", Some("int")),
            ("c", "97 'a'", Some("char")),
            ("p", "0x10 -> {a: 1}", Some("item *")),
            ("s", "{a: 1}", Some("item")),
        ] {
            let value = EvaluateResponse {
                result: value.to_owned(),
                type_field: type_name.map(str::to_owned),
                ..EvaluateResponse::default()
            };
            history.keep(expression, &value);
        }
        let replaced = |text: &str| history.replaced(text).map_err(|error| error.to_string());
        assert_eq!(replaced("$1 + $2").unwrap(), "(-5) + (97)");
        assert_eq!(replaced("$$->next").unwrap(), "((item *)0x10)->next");
        assert_eq!(
            replaced("$$3+$local0+\"$1\"").unwrap(),
            "(-5)+$local0+\"$1\""
        );
        assert!(replaced("$ + 1").unwrap_err().contains("as text only"));
        assert!(replaced("$9").unwrap_err().contains("show values"));
        let whole = history.shown("$").unwrap().unwrap();
        assert_eq!(whole.parts().2, "{a: 1}");
        assert!(history.shown("$event").unwrap().is_none());
    }
}
