//! A call of a host function, as those who listen see it.

use crate::component::types::CoreValue;
use crate::inspect::hostcall::lift::Lifted;
use crate::inspect::past::requests::values::word;
use crate::system::conversation::Place;
use crate::system::listening::hearing::Handle;
use crate::trace::Instance;

/// A function of WASI by which a program speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Function {
    /// `wasi:http/types`.
    pub(super) interface: String,
    /// `0.2.6`; empty if there is none.
    pub(super) version: String,
    /// `[method]fields.get`.
    pub(super) name: String,
}

impl Function {
    /// The function with a WIT path, if it is one to listen to.
    pub(super) fn of(path: &str) -> Option<Function> {
        let (interface, name) = path.split_once('#')?;
        let (interface, version) = interface.split_once('@').unwrap_or((interface, ""));
        let is_known = [
            "wasi:http/",
            "wasi:sockets/",
            "wasi:io/streams",
            "wasi:cli/std",
        ]
        .iter()
        .any(|known| interface.starts_with(known));
        is_known.then(|| Function {
            interface: interface.to_owned(),
            version: version.to_owned(),
            name: name.to_owned(),
        })
    }

    /// Whether it moves bytes of WASI 0.2's streams.
    pub(super) fn is_bytes(&self) -> bool {
        self.interface == "wasi:io/streams"
    }

    /// Both names, to match on.
    pub(super) fn names(&self) -> (&str, &str) {
        (&self.interface, &self.name)
    }
}

/// A call of such a function.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call<'a> {
    pub(super) function: &'a Function,
    /// Whose code calls.
    pub(super) instance: Instance,
    /// Its number.
    pub(super) event: u64,
    /// Its flat arguments.
    pub(super) args: &'a [CoreValue],
    /// The same by name, as they were when it was made.
    pub(super) arguments: &'a [(String, Lifted)],
    /// Where the recording is: in the call while it is made, behind it when its answer is there,
    /// at once or later.
    pub(super) now: Place,
}

impl Call<'_> {
    /// The handle that it is a method of.
    pub(super) fn own(&self) -> Handle {
        self.handle(word(self.args, 0).unwrap_or(0))
    }

    /// A handle of who calls.
    pub(super) fn handle(&self, index: u32) -> Handle {
        (self.instance, index)
    }

    /// An argument by its WIT name.
    pub(super) fn argument(&self, name: &str) -> Option<&Lifted> {
        let mut arguments = self.arguments.iter();
        arguments.find(|(of, _)| of == name).map(|(_, value)| value)
    }

    /// The place inside of the call.
    pub(super) fn made(&self) -> Place {
        Place::in_call(self.event)
    }
}
