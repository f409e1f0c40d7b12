//! The types of expressions, and types by their names.

use super::datum::Datum;
use super::error::{ExpressionError, Fault};
use super::evaluator::{Evaluator, Variables};
use super::inside::pointed;
use super::scene::Scene;
use super::syntax::{Kind, Node, Unary};
use super::{Expression, Needs, parse, types};
use crate::component::types::CoreValue;
use crate::inspect::variable::declaration::declaration;
use crate::inspect::variable::place::FrameState;
use crate::inspect::variable::value::{Look, Of};
use crate::source::{ModuleSource, SourceError, Type};

impl Needs {
    /// What [`declared`] looks at.
    pub const DECLARED: Needs = Needs {
        variables: true,
        registers: true,
        hostcall: true,
        position: false,
        elsewhere: false,
        task: false,
    };
}

/// How much is told of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Telling {
    /// What it is called.
    Name,
    /// What it is made of.
    Parts,
}

impl Telling {
    fn of(self, look: &Look<'_>, of: &Of) -> Result<String, SourceError> {
        match self {
            Telling::Name => Ok(look.type_name(of)),
            Telling::Parts => declaration(look, of),
        }
    }

    fn of_pointer(self, look: &Look<'_>, to: &Of) -> Result<String, SourceError> {
        let name = look.pointer_name(to);
        Ok(match self {
            Telling::Name => name,
            Telling::Parts => format!("{name}\n{}", declaration(look, to)?),
        })
    }

    /// Of a type by its name, that what it stands for is called is news.
    fn of_named(self, look: &Look<'_>, of: &Of) -> Result<String, SourceError> {
        match (self, of) {
            (Telling::Name, Of::Type(id)) => match look.source.type_at(*id)? {
                Type::Alias {
                    target: Some(target),
                    ..
                } => Ok(look.source.type_name(Some(target))),
                _ => Ok(look.type_name(of)),
            },
            _ => self.of(look, of),
        }
    }
}

/// What the type of an expression, or the type of this name, is called or made of; of a
/// function, what it takes and returns.
///
/// # Errors
///
/// Why the expression has no value, if the text names neither a type nor a function.
pub fn declared(
    text: &str,
    scene: &Scene<'_>,
    telling: Telling,
) -> Result<String, ExpressionError> {
    let text = text.trim();
    let fault = |fault: Fault| ExpressionError {
        fault: Box::new(fault),
        at: 0..text.len(),
        text: text.to_owned(),
    };
    let frame = scene
        .frame
        .ok_or_else(|| fault(scene.without_variables()))?;
    let variables = Variables::of(frame).map_err(fault)?;
    let look = &variables.look;
    let expression = Expression::parse(text);
    let of_value = expression.clone().and_then(|expression| {
        let evaluator = Evaluator {
            scene,
            variables: Ok(&variables),
            text,
        };
        evaluator.known(&expression.root)
    });
    // A null pointer and what is optimised out have a type all the same.
    let without_value = || of_node(&variables, &expression.as_ref().ok()?.root);
    let signature = |name: &str| {
        let function = frame.source.function_meant(frame.site.pc, name)?;
        Some(frame.source.signature(function))
    };
    let told = match (of_value, named(look, text)) {
        (Ok(Datum::Typed(value)), _) => telling.of(look, &value.of),
        (Ok(Datum::Address { of, .. }), _) => telling.of_pointer(look, &of),
        // A class has functions of its own name.
        (Ok(Datum::Function { name, .. }), None) => signature(&name).unwrap_or(Ok(name)),
        (_, Some((of, 0))) => telling.of_named(look, &of),
        (_, Some((of, _))) => telling.of_pointer(look, &of),
        (Ok(other), None) => Ok(described(&other).to_owned()),
        (Err(why), None) => match without_value() {
            Some(of) => telling.of(look, &of),
            None => match signature(text).filter(|_| may_be_a_function(text)) {
                Some(signature) => signature,
                None => return Err(undeclared(why, text)),
            },
        },
    };
    told.map_err(|why| fault(why.into()))
}

/// The same of a type or a function by its name, where nothing runs.
pub fn declared_by_name(text: &str, source: &ModuleSource, telling: Telling) -> Option<String> {
    let text = text.trim();
    let look = Look::new(source, &Nothing);
    let told = match named(&look, text) {
        Some((of, 0)) => telling.of_named(&look, &of),
        Some((of, _)) => telling.of_pointer(&look, &of),
        None => source.signature(source.function_meant(0, text)?),
    };
    told.ok()
}

/// Where nothing runs.
struct Nothing;

impl FrameState for Nothing {
    fn local(&self, _: u32) -> Option<CoreValue> {
        None
    }

    fn operand(&self, _: u32) -> Option<CoreValue> {
        None
    }

    fn global(&self, _: u32) -> Option<CoreValue> {
        None
    }

    fn memory(&self, _: u64, _: usize) -> Option<Vec<u8>> {
        None
    }
}

/// Whether this may be a function's name with its path and arguments, and not a value's.
fn may_be_a_function(text: &str) -> bool {
    !text.contains("->")
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || "_:<>(),*&~ ".contains(c))
}

/// The type of an expression's value, as far as the declarations tell it.
pub(super) fn of_node(variables: &Variables<'_>, node: &Node) -> Option<Of> {
    let look = &variables.look;
    Some(match &node.kind {
        Kind::Name(name) => Of::Type(variables.declared_type(name)?),
        Kind::Unary(Unary::Target, of) | Kind::Index(of, _) => {
            behind(look, &of_node(variables, of)?)?
        }
        Kind::Field { of, name, .. } => {
            let whole = of_node(variables, of)?;
            let whole = behind(look, &whole).unwrap_or(whole);
            look.find_inside(&pointed(0, whole), name)?.of
        }
        _ => return None,
    })
}

/// The type of what a pointer leads to, of an array's elements.
fn behind(look: &Look<'_>, of: &Of) -> Option<Of> {
    let Of::Type(id) = of else { return None };
    match look.source.resolved(*id).ok()?.1 {
        Type::Pointer { target, .. } => target.map(Of::Type),
        Type::Array { element, counts } if counts.len() == 1 => element.map(Of::Type),
        _ => None,
    }
}

/// A name could as well have been that of a type; `Vec<u32>` is not an expression at all.
fn undeclared(why: ExpressionError, text: &str) -> ExpressionError {
    let is_type = || parse::type_name(text).is_some_and(|of| of.name.ends_with('>'));
    let (name, at) = match *why.fault {
        Fault::Unknown(name) => (name, why.at),
        Fault::Syntax { .. } if is_type() => (text.to_owned(), 0..text.len()),
        _ => return why,
    };
    ExpressionError {
        fault: Box::new(Fault::Undeclared(name)),
        at,
        text: why.text,
    }
}

/// A type by its name, and how many pointers to it are meant.
fn named(look: &Look<'_>, text: &str) -> Option<(Of, u32)> {
    // Rust and Zig have names for pointers.
    if let Some(found) = look.source.type_named(text) {
        return Some((Of::Type(found), 0));
    }
    let name = parse::type_name(text)?;
    Some((Of::Type(types::find(look, &name.name)?), name.pointers))
}

/// What a value is that the program has not declared.
fn described(datum: &Datum) -> &'static str {
    match datum {
        Datum::Truth(_) => "true or false",
        Datum::Text(_) => "text",
        Datum::Bytes { .. } => "bytes of memory",
        Datum::Core(_) => "a value of the core level",
        Datum::Lifted(_) => "a value of the component level",
        Datum::Function { .. } => "a function",
        _ => "a number",
    }
}
