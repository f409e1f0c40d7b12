//! What is found out before anybody asks? Checkpoints up to the end, what can be left out
//! of a search, where functions begin.

pub(super) mod body_starts;
pub(super) mod checkpoints;
pub(super) mod depths;
pub(super) mod found;
pub(super) mod outer;
pub(super) mod surveys;
pub(super) mod sweep;
