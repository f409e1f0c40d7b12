//! What does each handle stand for? The tables of component instances, how they came to be
//! so, and what is wrong with a handle that does not fit.

pub mod anew;
pub(super) mod building;
mod builtin;
mod effect;
mod entry;
pub mod history;
pub(super) mod meaning;
mod pending;
pub(super) mod problem;
mod roles;
mod stored_step;
pub mod table;
