//! What evaluates an expression: the scene, and the variables that it sees there.

use super::datum::{Datum, Reading};
use super::error::{ExpressionError, Fault};
use super::inside::field_of;
use super::scene::{Scene, SourceFrame};
use super::syntax::Node;
use crate::inspect::variable::locator::Locator;
use crate::inspect::variable::place::Place;
use crate::inspect::variable::value::{Look, Of, Value};
use crate::inspect::variable::variables::{locate, visible};
use crate::source::{EntryId, Scopes};

pub(super) type Evaluated<T> = Result<T, ExpressionError>;

/// The frame whose variables an expression sees.
pub(super) struct Variables<'a> {
    frame: SourceFrame<'a>,
    pub(super) look: Look<'a>,
    locator: Locator<'a>,
    scopes: Scopes,
}

impl<'a> Variables<'a> {
    pub(super) fn of(frame: SourceFrame<'a>) -> Result<Variables<'a>, Fault> {
        let scopes = match frame.kept {
            Some(_) => Scopes::default(),
            None => frame.source.scopes_at(frame.site.pc)?,
        };
        Ok(Variables {
            look: Look::new(frame.source, frame.state),
            locator: Locator::new(frame.source, frame.state, &scopes),
            scopes,
            frame,
        })
    }

    /// The type of the variable of the frame, or else outside functions, with a name: it may
    /// have one where it has no value.
    pub(super) fn declared_type(&self, name: &str) -> Option<EntryId> {
        if let Some(kept) = self.kept(name) {
            return match kept.of {
                Of::Type(of) => Some(of),
                _ => None,
            };
        }
        let visible = visible(&self.scopes, self.frame.site.inlined);
        match visible.iter().find(|declared| declared.name == name) {
            Some(declared) => declared.type_id,
            None => {
                self.frame
                    .source
                    .static_named(self.frame.site.pc, name)?
                    .type_id
            }
        }
    }

    /// What a future that is suspended keeps by this name.
    fn kept(&self, name: &str) -> Option<&Value> {
        let mut kept = self.frame.kept?.fields().iter();
        Some(&kept.find(|field| field.name == name)?.value)
    }

    /// Whether only what is kept has a value.
    pub(super) fn is_suspended(&self) -> bool {
        self.frame.kept.is_some()
    }

    /// An enumerator, or a function of the program: what a name means that is not a
    /// variable's.
    pub(super) fn constant(&self, name: &str) -> Option<Datum> {
        let (source, pc) = (self.frame.source, self.frame.site.pc);
        if let Some((of, value)) = source.enumerator_named(pc, name) {
            let size = usize::try_from(source.size_of(of).ok()?).ok()?;
            let bytes = value.to_le_bytes();
            return Some(Datum::Typed(Value {
                of: Of::Type(of),
                place: Place::copied(bytes.get(..size)?.to_vec()),
            }));
        }
        let (function, index) = source.function_pointer(pc, name)?;
        Some(Datum::Function {
            name: function.name.clone(),
            index,
        })
    }

    /// A variable of the frame, or else one outside functions; at last, in a method of
    /// C++, a field of its object.
    pub(super) fn find(&self, name: &str) -> Result<Option<Value>, Fault> {
        if let Some(kept) = self.kept(name) {
            return Ok(Some(kept.clone()));
        }
        let visible = visible(&self.scopes, self.frame.site.inlined);
        let declared = |name: &str| visible.iter().find(|declared| declared.name == name);
        if let Some(declared) = declared(name) {
            return Ok(Some(locate(&self.look, &self.locator, declared)?));
        }
        let source = self.frame.source;
        if let Some(declared) = source.static_named(self.frame.site.pc, name) {
            return Ok(Some(locate(&self.look, &self.locator, &declared)?));
        }
        let Some(this) = declared("this") else {
            return Ok(None);
        };
        let this = locate(&self.look, &self.locator, this)?;
        Ok(field_of(&self.look, &this, name)?.ok())
    }
}

pub(super) struct Evaluator<'a> {
    pub(super) scene: &'a Scene<'a>,
    pub(super) variables: Result<&'a Variables<'a>, Fault>,
    pub(super) text: &'a str,
}

impl Evaluator<'_> {
    pub(super) fn fault(&self, node: &Node, fault: impl Into<Fault>) -> ExpressionError {
        ExpressionError {
            fault: Box::new(fault.into()),
            at: node.at.clone(),
            text: self.text.to_owned(),
        }
    }

    pub(super) fn reading(&self) -> Reading<'_> {
        Reading(
            self.variables
                .as_ref()
                .ok()
                .map(|variables| &variables.look),
        )
    }

    pub(super) fn look(&self, node: &Node) -> Evaluated<&Look<'_>> {
        match &self.variables {
            Ok(variables) => Ok(&variables.look),
            Err(fault) => Err(self.fault(node, fault.clone())),
        }
    }
}
