//! What the guest printed, decoded from its hostcalls.

use crate::component::types::CoreValue;
use crate::component::{Builtin, Crossing, CrossingKind};
use crate::trace::Instance;
use std::collections::HashMap;

/// A standard stream of the guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Stream {
    Stdout,
    Stderr,
}

/// Which handles of which instances are standard streams.
#[derive(Debug, Clone, Default)]
pub struct Streams {
    handles: HashMap<(Instance, i32), Stream>,
}

/// A write to a standard stream: where in guest memory the text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Printing {
    pub stream: Stream,
    pub address: u32,
    pub length: u32,
}

/// A WIT path without its interface's version: `wasi:io/streams#…`.
fn unversioned(path: &str) -> String {
    match (path.find('@'), path.find('#')) {
        (Some(at), Some(hash)) if at < hash => format!("{}{}", &path[..at], &path[hash..]),
        _ => path.to_owned(),
    }
}

impl Streams {
    /// Learns from a call out; answers what it prints, if it does.
    pub fn calling(
        &mut self,
        instance: Instance,
        crossing: &Crossing,
        args: &[CoreValue],
    ) -> Option<Printing> {
        let CoreValue::I32(handle) = *args.first()? else {
            return None;
        };
        let key = (instance, handle);
        if let CrossingKind::Builtin(Builtin::ResourceDrop(resource)) = &crossing.kind {
            let is_stream = resource
                .name
                .as_ref()
                .is_some_and(|n| n.name == "output-stream");
            if is_stream {
                self.handles.remove(&key);
            }
            return None;
        }
        let stream = *self.handles.get(&key)?;
        let path = unversioned(&crossing.name);
        let method = path.strip_prefix("wasi:io/streams#[method]output-stream.")?;
        match (method, args) {
            (
                "write" | "blocking-write-and-flush",
                [_, CoreValue::I32(address), CoreValue::I32(length), ..],
            ) => Some(Printing {
                stream,
                address: *address as u32,
                length: *length as u32,
            }),
            _ => None,
        }
    }

    /// Learns from what a call out answered.
    pub fn returning(&mut self, instance: Instance, crossing: &Crossing, results: &[CoreValue]) {
        let stream = match unversioned(&crossing.name).as_str() {
            "wasi:cli/stdout#get-stdout" => Stream::Stdout,
            "wasi:cli/stderr#get-stderr" => Stream::Stderr,
            _ => return,
        };
        if let [CoreValue::I32(handle)] = results {
            self.handles.insert((instance, *handle), stream);
        }
    }
}
