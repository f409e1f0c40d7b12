//! Expressions: over variables (`a.b[3]`, `*p`, `p->x + 1`, `name == "x"`), the core
//! level (`$local0`, `$mem[p; 16]`), the hostcall (`$arg.path`, `$result.ok`) and the
//! moment (`$event`, `$tick`).
//!
//! One language for watches, hovers, conditions and log messages. It looks and changes
//! nothing: there is no assignment, and calls are answered from the value or refused.

mod access;
mod arithmetic;
mod cast;
mod datum;
mod declared;
mod error;
mod evaluate;
mod evaluator;
mod inside;
mod literal;
mod method;
mod parse;
pub mod predicate;
mod scene;
mod syntax;
mod type_name;
mod types;

pub use datum::{core_text, core_text_in};
pub use declared::{Telling, declared, declared_by_name};
pub use error::{ExpressionError, Fault};
pub use scene::{Scene, SceneMoment, SourceFrame};

use super::hostcall::lift::Lifted;
use super::variable::ValueType;
use super::variable::notation::Notation;
use super::variable::scalar::Number;
use super::variable::value::Look;
use super::variable::variables::{Variable, VariableKind, part};
use crate::component::types::CoreValue;
use datum::Datum;
use evaluator::{Evaluator, Variables};
use inside::pointed;
use syntax::{Kind, Node};

/// An expression, understood.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression {
    text: String,
    root: Node,
    notation: Notation,
    /// Bytes of the text without what says how the value is written.
    bare: usize,
}

/// The value of an expression.
#[derive(Debug, Clone)]
pub enum Evaluated {
    /// Of the program, with what is inside.
    Variable(Box<Variable>),
    /// Of the core level: `$local0`, `$stack0`, `$global0`.
    Core(CoreValue),
    /// Bytes of memory.
    Bytes {
        /// Where they start in the memory of the frame's instance.
        address: u64,
        /// All that were asked for.
        bytes: Vec<u8>,
    },
    /// Of the component level.
    Lifted(Lifted),
    /// Calculated.
    Number(String),
    /// A function of the program.
    Function(String),
    /// Of a comparison or a logical operator, `true` or `false`.
    Truth(bool),
    /// A literal, without its quotes, or `$position`.
    Text(String),
}

/// What a path starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Root {
    /// `$arg.NAME`, `$result`, `$arrived`
    Crossing,
    /// A bare name: of a variable or, in the frame of a hostcall, of an argument.
    Name,
}

/// What an expression speaks of, so that no more needs to be fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needs {
    /// Variables or types.
    pub variables: bool,
    /// `$local0`, `$mem[…]` and the like.
    pub registers: bool,
    /// `$arg`, `$result`
    pub hostcall: bool,
    /// `$position`
    pub position: bool,
    /// `$node`
    pub elsewhere: bool,
}

impl Expression {
    /// Understands an expression.
    ///
    /// # Errors
    ///
    /// What is wrong with it, and where.
    pub fn parse(text: &str) -> Result<Expression, ExpressionError> {
        let parse::Whole {
            root,
            notation,
            bare,
        } = parse::parse(text)?;
        Ok(Expression {
            text: text.to_owned(),
            root,
            notation,
            bare,
        })
    }

    /// The expression without what says how its value is written.
    pub fn bare(&self) -> &str {
        self.text.get(..self.bare).unwrap_or(&self.text).trim()
    }

    /// How its value is written.
    pub fn notation(&self) -> Notation {
        self.notation
    }

    /// The same, with a value that is written in a certain way unless it says so itself.
    #[must_use]
    pub fn written(self, notation: Notation) -> Expression {
        Expression {
            notation: match self.notation {
                Notation::Natural => notation,
                own => own,
            },
            ..self
        }
    }

    /// One line for a value of it.
    pub fn shown(&self, value: &Evaluated) -> String {
        match value {
            Evaluated::Core(value) => core_text_in(*value, self.notation),
            Evaluated::Lifted(_) => self.notation.text(&value.text()),
            value => value.text(),
        }
    }

    /// What it takes to evaluate it.
    pub fn needs(&self) -> Needs {
        let any = |is: &dyn Fn(&Kind) -> bool| self.root.any(is);
        Needs {
            variables: any(&|kind| {
                matches!(
                    kind,
                    Kind::Name(_) | Kind::Cast(..) | Kind::SizeOfType(_) | Kind::Return
                )
            }),
            registers: any(&|kind| matches!(kind, Kind::Register(_) | Kind::Memory { .. })),
            hostcall: any(&|kind| matches!(kind, Kind::Argument(_) | Kind::Result | Kind::Arrived)),
            position: any(&|kind| matches!(kind, Kind::Moment(syntax::TimeName::Position))),
            elsewhere: any(&|kind| matches!(kind, Kind::Elsewhere(_))),
        }
    }

    /// What a path of fields and constant indices, without any operator, starts from.
    pub fn path(&self) -> Option<Root> {
        let mut node = &self.root;
        loop {
            node = match &node.kind {
                Kind::Field {
                    of,
                    is_arrow: false,
                    ..
                } => of,
                Kind::Index(of, index) if matches!(index.kind, Kind::Whole(_)) => of,
                Kind::Argument(_) | Kind::Result | Kind::Arrived => return Some(Root::Crossing),
                Kind::Name(_) => return Some(Root::Name),
                _ => return None,
            };
        }
    }

    /// Evaluates it.
    ///
    /// # Errors
    ///
    /// Which part of it has no value, and why.
    pub fn evaluate(&self, scene: &Scene<'_>) -> Result<Evaluated, ExpressionError> {
        self.with_value(scene, |evaluator, datum| {
            self.evaluated(evaluator, datum)
                .map_err(|fault| ExpressionError {
                    fault: Box::new(fault),
                    at: self.root.at.clone(),
                    text: self.text.clone(),
                })
        })
    }

    /// The type of its value, if that is one of the program's.
    pub fn type_of(&self, scene: &Scene<'_>) -> Option<ValueType> {
        let of = self.with_value(scene, |_, datum| match datum {
            Datum::Typed(value) => Ok(Some(ValueType(value.of))),
            _ => Ok(None),
        });
        of.ok().flatten()
    }

    /// Whether it holds, as a condition.
    ///
    /// # Errors
    ///
    /// As for [`Expression::evaluate`].
    pub fn holds(&self, scene: &Scene<'_>) -> Result<bool, ExpressionError> {
        self.with_value(scene, |evaluator, datum| {
            evaluator.truth(&self.root, &datum)
        })
    }

    fn with_value<T>(
        &self,
        scene: &Scene<'_>,
        take: impl FnOnce(&Evaluator<'_>, Datum) -> Result<T, ExpressionError>,
    ) -> Result<T, ExpressionError> {
        let variables = match scene.frame {
            Some(frame) => Variables::of(frame),
            None => Err(scene.without_variables()),
        };
        let evaluator = Evaluator {
            scene,
            variables: variables.as_ref().map_err(Clone::clone),
            text: &self.text,
        };
        let datum = evaluator.known(&self.root)?;
        take(&evaluator, datum)
    }

    fn evaluated(&self, evaluator: &Evaluator<'_>, datum: Datum) -> Result<Evaluated, Fault> {
        let name = self.bare().to_owned();
        let reading = evaluator.reading();
        let look = evaluator.scene.frame.filter(|_| reading.0.is_some());
        let look = look.map(|frame| Look::new(frame.source, frame.state).written(self.notation));
        Ok(match (datum, look.as_ref()) {
            (Datum::Typed(value), Some(look)) => {
                Evaluated::Variable(Box::new(part(look, name, value)))
            }
            (Datum::Address { address, of }, Some(look)) => {
                let type_name = look.pointer_name(&of);
                let value = look.pointer_text(address, &of)?;
                let target = part(look, name.clone(), pointed(address, of));
                Evaluated::Variable(Box::new(Variable {
                    name,
                    type_name,
                    value,
                    kind: VariableKind::Part,
                    address: None,
                    size: 0,
                    points_to: Some(address),
                    ..target
                }))
            }
            (Datum::Core(value), _) => Evaluated::Core(value),
            (Datum::Bytes { address, bytes }, _) => Evaluated::Bytes { address, bytes },
            (Datum::Lifted(lifted), _) => Evaluated::Lifted(lifted),
            (Datum::Truth(truth), _) => Evaluated::Truth(truth),
            (Datum::Text(text), _) => Evaluated::Text(text),
            (Datum::Number(Number::Whole(number)), _) => {
                let is_pc = self.root.kind == Kind::Register(syntax::Register::Code);
                let notation = match self.notation {
                    // As addresses are shown everywhere.
                    Notation::Natural if is_pc => Notation::Hexadecimal,
                    notation => notation,
                };
                Evaluated::Number(notation.number(number))
            }
            (Datum::Number(number), _) => Evaluated::Number(number.to_string()),
            (function @ Datum::Function { .. }, _) => {
                Evaluated::Function(reading.shown(&function)?)
            }
            (other, _) => Evaluated::Text(reading.shown(&other)?),
        })
    }
}

impl Evaluated {
    /// One line.
    pub fn text(&self) -> String {
        match self {
            Evaluated::Variable(variable) => variable.value.clone(),
            Evaluated::Core(value) => core_text(*value),
            Evaluated::Bytes { bytes, .. } => bytes_text(bytes),
            Evaluated::Lifted(lifted) => super::hostcall::wave::text(lifted, LONGEST_LIFTED),
            Evaluated::Number(text) | Evaluated::Function(text) => text.clone(),
            Evaluated::Truth(truth) => truth.to_string(),
            Evaluated::Text(text) => text.clone(),
        }
    }
}

/// How long a lifted value's line may get.
const LONGEST_LIFTED: usize = 1000;

/// Bytes in hexadecimal, and the text that they are where they are text.
pub fn bytes_text(bytes: &[u8]) -> String {
    const SHOWN: usize = 64;
    let shown = bytes.iter().take(SHOWN);
    let hex: Vec<String> = shown.map(|byte| format!("{byte:02x}")).collect();
    let more = if bytes.len() > SHOWN { " …" } else { "" };
    let head = bytes.get(..SHOWN.min(bytes.len())).unwrap_or_default();
    let quoted = super::variable::scalar::quoted(head, bytes.len() > SHOWN);
    format!("{}{more}  {quoted}", hex.join(" "))
}
