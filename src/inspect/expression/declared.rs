//! The types of expressions, and types by their names.

use super::datum::Datum;
use super::error::{ExpressionError, Fault};
use super::evaluator::{Evaluator, Variables};
use super::inside::pointed;
use super::scene::Scene;
use super::syntax::{Kind, Node, Unary};
use super::{Expression, Needs, parse, types};
use crate::inspect::variable::declaration::declaration;
use crate::inspect::variable::value::{Look, Of};
use crate::source::{SourceError, Type};

impl Needs {
    /// What [`declared`] looks at.
    pub const DECLARED: Needs = Needs {
        variables: true,
        registers: true,
        hostcall: true,
        position: false,
    };
}

/// What the type of an expression, or the type of this name, is made of.
///
/// # Errors
///
/// Why the expression has no value, if the text does not name a type either.
pub fn declared(text: &str, scene: &Scene<'_>) -> Result<String, ExpressionError> {
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
    let told = match (of_value, named(look, text)) {
        (Ok(Datum::Typed(value)), _) => declaration(look, &value.of),
        (Ok(Datum::Address { of, .. }), _) => pointer(look, &of),
        (_, Some((of, 0))) => declaration(look, &of),
        (_, Some((of, _))) => pointer(look, &of),
        (Ok(other), None) => Ok(described(&other).to_owned()),
        (Err(why), None) => match without_value() {
            Some(of) => declaration(look, &of),
            None => return Err(undeclared(why, text)),
        },
    };
    told.map_err(|why| fault(why.into()))
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

fn pointer(look: &Look<'_>, of: &Of) -> Result<String, SourceError> {
    let target = declaration(look, of)?;
    Ok(format!("{}\n{target}", look.pointer_name(of)))
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
