//! What do values of the languages' own libraries hold? They are shown as that, instead of
//! as the fields by which they hold it.

pub(super) mod cpp;
pub(in crate::inspect) mod rust;
pub(super) mod zig;
