//! What replays? Processes with the compiled guest in them: how they come to be, what is
//! said to them, and what runs in them.

pub(super) mod compiling;
pub(super) mod debugging;
pub(super) mod early;
pub(super) mod machine;
pub(super) mod pool;
pub(super) mod process;
pub mod replayer;
pub(crate) mod sockets;
pub(crate) mod temporary;
pub(super) mod watching;
pub(super) mod wire;
