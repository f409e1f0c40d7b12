//! The types of expressions, and types by their names.

use super::super::declaration::declaration;
use super::super::value::{Look, Of};
use super::datum::Datum;
use super::error::{ExpressionError, Fault};
use super::evaluate::{Evaluator, Variables};
use super::{Expression, Needs, Scene, nothing_to_see, parse, types};
use crate::source::SourceError;

impl Needs {
    /// What [`declared`] looks at.
    pub const DECLARED: Needs = Needs {
        variables: true,
        registers: true,
        hostcall: false,
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
    let frame = scene.frame.ok_or_else(|| fault(nothing_to_see(scene)))?;
    let variables = Variables::of(frame).map_err(fault)?;
    let of_value = Expression::parse(text).and_then(|expression| {
        let evaluator = Evaluator {
            scene,
            variables: Ok(&variables),
            text,
        };
        evaluator.known(&expression.root)
    });
    let look = &variables.look;
    let told = match (of_value, named(look, text)) {
        (Ok(Datum::Typed(value)), _) => declaration(look, &value.of),
        (Ok(Datum::Address { of, .. }), _) => pointer(look, &of),
        (_, Some((of, 0))) => declaration(look, &of),
        (_, Some((of, _))) => pointer(look, &of),
        (Ok(other), None) => Ok(described(&other).to_owned()),
        (Err(why), None) => return Err(undeclared(why)),
    };
    told.map_err(|why| fault(why.into()))
}

/// A name could as well have been that of a type.
fn undeclared(why: ExpressionError) -> ExpressionError {
    match *why.fault {
        Fault::Unknown(name) => ExpressionError {
            fault: Box::new(Fault::Undeclared(name)),
            ..why
        },
        _ => why,
    }
}

/// A type by its name, and how many pointers to it are meant.
fn named(look: &Look<'_>, text: &str) -> Option<(Of, u32)> {
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
        _ => "a number",
    }
}
