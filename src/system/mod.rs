//! Several recordings as one: what each said to the others, in which order, and how far each may
//! be when one is moved.
//!
//! Nobody coordinated the making of the recordings, some may be missing, and addresses may have
//! been rewritten in between. So a *conversation* is found twice, once in each recording, and
//! what belongs together is told by what was said.

pub mod clock;
pub mod conversation;
pub mod export;
pub mod listening;
pub mod matching;
pub mod message;
pub mod order;
pub mod words;
