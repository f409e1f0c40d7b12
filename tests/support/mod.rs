//! What the protocol's tests share: a client, and a debuggee that follows a script.

pub mod client;
pub mod scripted;
