//! `origin EXPRESSION`: where a value comes from.

use super::rows::own_frame;
use super::{Asked, Question, QuestionError};
use crate::debuggee::Whole;
use crate::debuggee::origin::{CodeMoment, Copied, CopiedHow, Origin, Way, WayEnd};
use std::fmt::{self, Display, Formatter};

/// Where does a value come from?
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginOf {
    /// The value: an expression, and ` @POSITION` for another moment than where it is asked.
    pub expression: String,
}

impl OriginOf {
    /// Reads what follows the word.
    ///
    /// # Errors
    ///
    /// If there is no expression.
    pub fn read(text: &str) -> Result<OriginOf, QuestionError> {
        match text.trim() {
            "" => Err(QuestionError::wrong("write the value that you mean")),
            text => Ok(OriginOf {
                expression: text.to_owned(),
            }),
        }
    }
}

impl Question for OriginOf {
    type Answer = Origin;

    fn answer(&self, asked: &mut Asked<'_>) -> Result<Origin, QuestionError> {
        let frame = own_frame(asked)?;
        let (output, interrupt) = (asked.output, asked.interrupt);
        let debuggee = &mut *asked.debuggee;
        Ok(Whole::origin(
            debuggee,
            &self.expression,
            frame,
            output,
            interrupt,
        )?)
    }
}

impl Display for CodeMoment {
    /// ` in post at ledger.c:41  (991:3:0x1f4  event 12)`
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if !self.function.is_empty() {
            write!(f, " in {}", self.function)?;
        }
        if let (Some(file), Some(line)) = (&self.file, self.line) {
            let file = file.rsplit('/').next().unwrap_or(file);
            write!(f, " at {file}:{line}")?;
        }
        write!(f, "  ({}  event {})", self.position, self.event)
    }
}

impl Display for Origin {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}{}", self.of, self.value, self.at)?;
        tell(f, &self.way, "")
    }
}

/// A way back, a line for each step.
pub(super) fn tell(f: &mut Formatter<'_>, way: &Way, indent: &str) -> fmt::Result {
    let mut copies = way.copies.iter().peekable();
    while let Some(Copied { at, how, .. }) = copies.next() {
        let told = match how {
            CopiedHow::Stored(name) => {
                let mut told = match name {
                    Some(name) => format!("stored to {name}"),
                    None => "stored".to_owned(),
                };
                // What was read for it, on the same line.
                if let Some(CopiedHow::Read(Some(from))) = copies.peek().map(|next| &next.how)
                    && copies.peek().map(|next| next.at.line) == Some(at.line)
                {
                    told.push_str(&format!(" from {from}"));
                    copies.next();
                }
                told
            }
            CopiedHow::Read(Some(name)) => format!("read from {name}"),
            // Out of memory that has no name, to where the value was before.
            CopiedHow::Read(None) => continue,
            CopiedHow::Moved(by) => format!("copied by {by}"),
            CopiedHow::Given {
                to,
                parameter: Some(name),
            } => format!("given to {to} as {name}"),
            CopiedHow::Given {
                to,
                parameter: None,
            } => format!("given to {to}"),
            CopiedHow::Returned(function) => format!("returned by {function}"),
            CopiedHow::Kept(global) => format!("kept in global {global}"),
            CopiedHow::Cut(before) => format!("cut: it was {before} before it was stored"),
        };
        write!(f, "\n{indent}← {told}{at}")?;
    }
    match &way.end {
        WayEnd::Constant { at, value } => write!(f, "\n{indent}= {value}, a constant{at}"),
        WayEnd::Computed {
            at,
            operation,
            text,
            inputs,
        } => {
            write!(f, "\n{indent}= computed ({operation}){at}")?;
            if let Some(text) = text {
                write!(f, ": {text}")?;
            }
            for input in inputs {
                match &input.ask {
                    Some(ask) => {
                        let value = &input.value;
                        write!(f, "\n{indent}    of {} = {value}: origin {ask}", input.name)?;
                    }
                    None => write!(f, "\n{indent}    of {}", input.value)?,
                }
            }
            Ok(())
        }
        WayEnd::Hostcall {
            at,
            event,
            name,
            part,
            value,
            bytes,
        } => {
            write!(f, "\n{indent}= {part} of hostcall {event}, {name}")?;
            if let Some(value) = value {
                write!(f, ": {value}")?;
            }
            if let Some(bytes) = bytes {
                write!(f, " (bytes {bytes})")?;
            }
            write!(f, "{at}")
        }
        WayEnd::Argument {
            at,
            name,
            part,
            value,
        } => {
            write!(f, "\n{indent}= {part}, given to {name} by who called it")?;
            if let Some(value) = value {
                write!(f, ": {value}")?;
            }
            write!(f, "{at}")
        }
        WayEnd::Initial { what } => write!(f, "\n{indent}= {what}"),
        WayEnd::Parts(parts) => {
            write!(f, "\n{indent}= put together of {} parts", parts.len())?;
            for part in parts {
                let (from, bytes) = (part.from, part.bytes);
                write!(f, "\n{indent}  bytes {from} to {}:", from + bytes)?;
                tell(f, &part.way, &format!("{indent}    "))?;
            }
            Ok(())
        }
        WayEnd::Unknown { at, why } => write!(f, "\n{indent}? {why}{at}"),
    }
}
