//! What is there because of all that came before this moment?

pub mod chronicle;
pub mod difference;
pub mod output;
pub mod requests;
pub mod secrets;
pub(in crate::inspect) mod steps;
pub mod wanted;
