//! The canonical ABI as we compute it is the one that Wasmtime and wasmparser keep.

mod fixtures;
mod layout;
mod lifting;
mod parts;
mod types;
