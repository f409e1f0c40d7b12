//! Types, read from the debug information one at a time, when asked for.

mod reader;
mod shape;
mod text;

pub(super) use reader::Types;
pub(crate) use shape::{Bits, Case, Composite, Count, Member, Type, Variants};
pub(super) use text::TypeText;
