//! What does one run over the whole recording tell? It takes place in a copy of the process,
//! while the session stays where it is.

pub(super) mod changes;
mod counts;
pub(super) mod pieces;
pub(super) mod told;
pub(super) mod visits;
