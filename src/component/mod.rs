//! What does this binary say? Its crossings with their WIT names and types, its
//! core modules, their wiring, canonical ABI layout.

pub mod layout;
pub mod types;
