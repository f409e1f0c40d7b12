//! What do variables hold? Their places, their values by the types of the debug
//! information, and what is inside those.

mod changed;
pub(super) mod containers;
pub(super) mod declaration;
pub mod in_local;
pub(super) mod library;
pub(super) mod locator;
pub mod notation;
pub(super) mod place;
pub(super) mod scalar;
pub(super) mod summary;
pub(super) mod value;
pub mod variables;
mod view;

pub use changed::ValueType;
