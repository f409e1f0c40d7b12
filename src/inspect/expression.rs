//! Expressions over variables, as watches and hovers ask for them: `a.b[3].c`,
//! `*p`, `p->x`, `&a`, `list[i]`.

use super::place::{FrameState, Locator, Unavailable};
use super::value::{Elements, Look, Value, View};
use super::variables::{
    Children, Inside, Site, Variable, VariableKind, inside, locate, part, visible,
};
use crate::source::{Declared, ModuleSource, Scopes, SourceError};

/// Why an expression has no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExpressionError {
    #[error(
        "`{text}` is not understood at `{rest}`; write a path such as `a.b[3]`, `*p`, `p->x` or `&a`"
    )]
    Syntax { text: String, rest: String },
    #[error("no variable `{0}` is in scope here")]
    Unknown(String),
    #[error("`{of}` has no field `{name}`; it has {known}")]
    NoField {
        of: String,
        name: String,
        known: String,
    },
    #[error("index {index} is out of range: there are {count} elements")]
    OutOfRange { index: i128, count: u64 },
    #[error("`{0}` is no pointer, array or slice")]
    NotIndexable(String),
    #[error("`{0}` is no whole number, so it cannot be an index")]
    NotANumber(String),
    #[error("only a value in memory has an address; this one is in a local or a constant")]
    NoAddress,
    #[error("the expression is nested too deeply")]
    TooDeep,
    #[error("{0}")]
    Unavailable(#[from] Unavailable),
    #[error(transparent)]
    Source(#[from] SourceError),
}

/// Evaluates an expression in a frame.
pub fn evaluate_path(
    source: &ModuleSource,
    site: impl Into<Site>,
    expression: &str,
    state: &dyn FrameState,
) -> Result<Variable, ExpressionError> {
    let site = site.into();
    let look = Look::new(source, state);
    let scopes = source.scopes_at(site.pc)?;
    let mut evaluator = Evaluator {
        locator: Locator::new(source, state, &scopes),
        look,
        scopes: &scopes,
        site,
        text: expression,
        rest: expression.trim(),
    };
    if let Some(operand) = evaluator.rest.strip_prefix('&') {
        evaluator.rest = operand;
        let value = evaluator.whole()?;
        return evaluator.address_of(expression, &value);
    }
    let value = evaluator.whole()?;
    Ok(part(&evaluator.look, expression.trim().to_owned(), value))
}

struct Evaluator<'a> {
    look: Look<'a>,
    locator: Locator<'a>,
    scopes: &'a Scopes,
    site: Site,
    text: &'a str,
    rest: &'a str,
}

impl<'a> Evaluator<'a> {
    /// How deep parentheses, stars and indices may nest.
    const DEEPEST: usize = 32;

    fn whole(&mut self) -> Result<Value, ExpressionError> {
        let value = self.prefixed(Self::DEEPEST)?;
        if self.rest.trim().is_empty() {
            Ok(value)
        } else {
            Err(self.syntax())
        }
    }

    fn address_of(&self, name: &str, value: &Value) -> Result<Variable, ExpressionError> {
        let address = value.place.address().ok_or(ExpressionError::NoAddress)?;
        Ok(Variable {
            name: name.trim().to_owned(),
            type_name: format!("{} *", self.look.type_name(&value.of)),
            value: format!("{address:#x}"),
            kind: VariableKind::Part,
            children: Children::None,
            address: None,
            size: 0,
            points_to: Some(address),
            inside: None,
        })
    }

    fn syntax(&self) -> ExpressionError {
        ExpressionError::Syntax {
            text: self.text.to_owned(),
            rest: self.rest.to_owned(),
        }
    }

    fn take(&mut self, token: &str) -> bool {
        match self.rest.trim_start().strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// `*p`, or an operand with what follows it.
    fn prefixed(&mut self, depth: usize) -> Result<Value, ExpressionError> {
        let deeper = depth.checked_sub(1).ok_or(ExpressionError::TooDeep)?;
        if self.take("*") {
            let pointer = self.prefixed(deeper)?;
            return self.target(&pointer);
        }
        let mut value = if self.take("(") {
            let value = self.prefixed(deeper)?;
            if !self.take(")") {
                return Err(self.syntax());
            }
            value
        } else {
            let name = self.name().ok_or_else(|| self.syntax())?;
            self.variable(name)?
        };
        loop {
            let is_arrow = self.take("->");
            if is_arrow || self.take(".") {
                if is_arrow {
                    value = self.decayed(value)?;
                }
                let name = self.name().ok_or_else(|| self.syntax())?;
                value = self.field(&value, name)?;
            } else if self.take("[") {
                let index = self.index(deeper)?;
                if !self.take("]") {
                    return Err(self.syntax());
                }
                value = self.element(&value, index)?;
            } else {
                return Ok(value);
            }
        }
    }

    /// A name: letters, digits, `_`, `$`, and `::` between them.
    fn name(&mut self) -> Option<&'a str> {
        let rest = self.rest.trim_start();
        let mut end = 0;
        while let Some(next) = rest.get(end..).and_then(|rest| rest.chars().next()) {
            if next.is_alphanumeric() || next == '_' || next == '$' {
                end += next.len_utf8();
            } else if rest.get(end..).is_some_and(|rest| rest.starts_with("::")) {
                end += 2;
            } else {
                break;
            }
        }
        let (name, rest) = rest.split_at_checked(end)?;
        self.rest = rest;
        (!name.is_empty()).then_some(name)
    }

    fn index(&mut self, depth: usize) -> Result<i128, ExpressionError> {
        let before = self.rest.trim_start();
        if before.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
            let is_negative = self.take("-");
            let digits = self.name().ok_or_else(|| self.syntax())?;
            let number = match digits.strip_prefix("0x") {
                Some(hexadecimal) => i128::from_str_radix(hexadecimal, 16),
                None => digits.parse(),
            };
            let number = number.map_err(|_| self.syntax())?;
            return Ok(if is_negative { -number } else { number });
        }
        let value = self.prefixed(depth)?;
        let used = before.len().saturating_sub(self.rest.len());
        let text = before.get(..used).unwrap_or(before);
        self.look
            .number(&value)
            .ok_or_else(|| ExpressionError::NotANumber(text.to_owned()))
    }

    /// A variable of the frame, or else one outside functions.
    fn variable(&self, name: &str) -> Result<Value, ExpressionError> {
        let visible = visible(self.scopes, self.site.inlined);
        if let Some(declared) = visible.iter().find(|declared| declared.name == name) {
            return Ok(locate(&self.look, &self.locator, declared)?);
        }
        let short = name.rsplit("::").next().unwrap_or(name);
        let statics = self.look.source.statics_at(self.site.pc)?;
        let named = |declared: &&Declared| declared.name == name || declared.name == short;
        match statics.iter().find(named) {
            Some(declared) => Ok(locate(&self.look, &self.locator, declared)?),
            None => Err(ExpressionError::Unknown(name.to_owned())),
        }
    }

    /// In front of `->`, an array is a pointer to its first element.
    fn decayed(&self, value: Value) -> Result<Value, ExpressionError> {
        match self.look.view(&value)? {
            View::Elements(elements) => within(&elements, 0),
            _ => Ok(value),
        }
    }

    fn target(&self, pointer: &Value) -> Result<Value, ExpressionError> {
        match self.look.view(pointer)? {
            View::Pointer {
                target: Some(target),
                ..
            } => Ok(target),
            View::Elements(elements) if elements.count > 0 => Ok(elements.at(0)),
            _ => {
                let name = self.look.type_name(&pointer.of);
                Err(ExpressionError::NotIndexable(name))
            }
        }
    }

    /// A field by name, through pointers, in anonymous members and base classes.
    fn field(&self, of: &Value, name: &str) -> Result<Value, ExpressionError> {
        let mut value = of.clone();
        // References to references to a pointer: no more than this.
        for _ in 0..4 {
            match self.look.view(&value)? {
                View::Pointer {
                    target: Some(target),
                    ..
                } => value = target,
                View::Fields { fields, .. } => {
                    let found = fields.iter().find(|field| field.name == name);
                    if let Some(found) = found {
                        return Ok(found.value.clone());
                    }
                    break;
                }
                _ => break,
            }
        }
        let found = self.look.find_inside(&value, name);
        found.ok_or_else(|| self.no_field(&value, name))
    }

    fn no_field(&self, of: &Value, name: &str) -> ExpressionError {
        let names = match self
            .look
            .view(of)
            .and_then(|view| inside(&self.look, &view))
        {
            Ok(Inside::Fields(fields)) => {
                let names = fields.into_iter().take(20).map(|field| field.name);
                names.collect::<Vec<_>>().join(", ")
            }
            _ => String::new(),
        };
        ExpressionError::NoField {
            of: self.look.type_name(&of.of),
            name: name.to_owned(),
            known: if names.is_empty() {
                "none".to_owned()
            } else {
                names
            },
        }
    }

    fn element(&self, of: &Value, index: i128) -> Result<Value, ExpressionError> {
        match self.look.view(of)? {
            View::Elements(elements) | View::Text(_, elements) => within(&elements, index),
            View::Pointer {
                target: Some(target),
                ..
            } => self.element_behind(&target, index),
            _ => {
                let name = self.look.type_name(&of.of);
                Err(ExpressionError::NotIndexable(name))
            }
        }
    }

    /// An element of a reference's slice or array; for any other pointer, the
    /// value so many further on, as in C.
    fn element_behind(&self, target: &Value, index: i128) -> Result<Value, ExpressionError> {
        if let Ok(View::Elements(elements)) = self.look.view(target) {
            return within(&elements, index);
        }
        let stride = i128::from(self.look.size(&target.of));
        let offset = index
            .checked_mul(stride)
            .and_then(|o| i64::try_from(o).ok());
        let offset = offset.ok_or(ExpressionError::OutOfRange { index, count: 0 })?;
        Ok(Value {
            of: target.of.clone(),
            place: target.place.after(offset.cast_unsigned()),
        })
    }
}

fn within(elements: &Elements, index: i128) -> Result<Value, ExpressionError> {
    let count = elements.count;
    match u64::try_from(index) {
        Ok(at) if at < count => Ok(elements.at(at)),
        _ => Err(ExpressionError::OutOfRange { index, count }),
    }
}
