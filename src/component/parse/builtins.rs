//! Canonical built-ins: each is one outgoing crossing.

use super::Walk;
use crate::component::builtin::{Builtin, Transmit};
use crate::component::canonical::{Options, builtin_name, unsupported};
use crate::component::crossing::{CrossingKind, ReturnArea};
use crate::component::error::ParseError;
use crate::component::types::{CoreSignature, CoreType, ValueType};
use crate::component::wiring::Item;
use std::sync::Arc;
use wasmparser as wp;

/// What `waitable-set.wait` and `waitable-set.poll` write: the index of a waitable
/// and a code.
const EVENT_PAYLOAD: ReturnArea = ReturnArea { size: 8 };

type Defining<'o> = (Builtin, &'o [wp::CanonicalOption]);

impl<'a> Walk<'a> {
    pub(super) fn builtin(
        &mut self,
        canonical: wp::CanonicalFunction,
        at: usize,
    ) -> Result<(), ParseError> {
        use wp::CanonicalFunction as C;
        let (builtin, options) = match &canonical {
            C::ResourceNew { resource } => (Builtin::ResourceNew(self.resource(*resource)?), None),
            C::ResourceDrop { resource } => {
                (Builtin::ResourceDrop(self.resource(*resource)?), None)
            }
            C::ResourceRep { resource } => (Builtin::ResourceRep(self.resource(*resource)?), None),
            C::TaskReturn { result, options } => {
                let result = result.map(|ty| self.referred(ty)).transpose()?;
                (Builtin::TaskReturn(result), Some(options))
            }
            C::TaskCancel => (Builtin::TaskCancel, None),
            C::SubtaskDrop => (Builtin::SubtaskDrop, None),
            C::SubtaskCancel { .. } => (Builtin::SubtaskCancel, None),
            C::WaitableSetNew => (Builtin::WaitableSetNew, None),
            C::WaitableSetDrop => (Builtin::WaitableSetDrop, None),
            C::WaitableJoin => (Builtin::WaitableJoin, None),
            C::ContextGet { slot, .. } => (Builtin::ContextGet(*slot), None),
            C::ContextSet { slot, .. } => (Builtin::ContextSet(*slot), None),
            C::BackpressureInc => (Builtin::BackpressureInc, None),
            C::BackpressureDec => (Builtin::BackpressureDec, None),
            C::ThreadYield { .. } => (Builtin::ThreadYield, None),
            C::ThreadIndex => (Builtin::ThreadIndex, None),
            C::ThreadNewIndirect { table_index, .. } => {
                self.thread_start(*table_index, at)?;
                (Builtin::ThreadNewIndirect(*table_index), None)
            }
            C::ThreadResumeLater => (Builtin::ThreadResumeLater, None),
            C::ThreadSuspend { .. } => (Builtin::ThreadSuspend, None),
            C::ThreadSuspendThenResume { .. } => (Builtin::ThreadSuspendThenResume, None),
            C::ThreadYieldThenResume { .. } => (Builtin::ThreadYieldThenResume, None),
            C::ThreadSuspendThenPromote { .. } => (Builtin::ThreadSuspendThenPromote, None),
            C::ThreadYieldThenPromote { .. } => (Builtin::ThreadYieldThenPromote, None),
            C::ErrorContextNew { options } => (Builtin::ErrorContextNew, Some(options)),
            C::ErrorContextDrop => (Builtin::ErrorContextDrop, None),
            C::ErrorContextDebugMessage { options } => {
                let options = Options::read(options).without_gc(at)?;
                let size = self.here()?.pointer(options.memory).size() * 2;
                let area = ReturnArea { size };
                return self.outgoing(Builtin::ErrorContextDebugMessage, &options, Some(area));
            }
            C::WaitableSetWait { memory, .. } => {
                return self.outgoing(
                    Builtin::WaitableSetWait,
                    &in_memory(*memory),
                    Some(EVENT_PAYLOAD),
                );
            }
            C::WaitableSetPoll { memory, .. } => {
                return self.outgoing(
                    Builtin::WaitableSetPoll,
                    &in_memory(*memory),
                    Some(EVENT_PAYLOAD),
                );
            }
            other => match self.transmit(other)? {
                Some((builtin, options)) => {
                    let options = Options::read(options).without_gc(at)?;
                    return self.outgoing(builtin, &options, None);
                }
                None => return Err(unsupported(&builtin_name(other), at)),
            },
        };
        let options = match options {
            Some(options) => Options::read(options).without_gc(at)?,
            None => Options::default(),
        };
        self.outgoing(builtin, &options, None)
    }

    /// The built-ins of streams and futures; `None` for others.
    fn transmit<'o>(
        &mut self,
        canonical: &'o wp::CanonicalFunction,
    ) -> Result<Option<Defining<'o>>, ParseError> {
        use Transmit as T;
        use wp::CanonicalFunction as C;
        let (transmit, ty, options): (_, _, &[_]) = match canonical {
            C::StreamNew { ty } | C::FutureNew { ty } => (T::New, ty, &[]),
            C::StreamRead { ty, options } | C::FutureRead { ty, options } => (T::Read, ty, options),
            C::StreamWrite { ty, options } | C::FutureWrite { ty, options } => {
                (T::Write, ty, options)
            }
            C::StreamCancelRead { ty, .. } | C::FutureCancelRead { ty, .. } => {
                (T::CancelRead, ty, &[])
            }
            C::StreamCancelWrite { ty, .. } | C::FutureCancelWrite { ty, .. } => {
                (T::CancelWrite, ty, &[])
            }
            C::StreamDropReadable { ty } | C::FutureDropReadable { ty } => {
                (T::DropReadable, ty, &[])
            }
            C::StreamDropWritable { ty } | C::FutureDropWritable { ty } => {
                (T::DropWritable, ty, &[])
            }
            _ => return Ok(None),
        };
        match self.here()?.types.at(*ty)? {
            Some(ValueType::Stream(element)) => {
                Ok(Some((Builtin::Stream(transmit, element), options)))
            }
            Some(ValueType::Future(element)) => {
                Ok(Some((Builtin::Future(transmit, element), options)))
            }
            _ => Err(ParseError::Index("type")),
        }
    }

    fn referred(&mut self, ty: wp::ComponentValType) -> Result<Arc<ValueType>, ParseError> {
        let ty = self.here()?.types.referred(ty)?;
        ty.map(Arc::new).ok_or(ParseError::Index("type"))
    }

    /// The beginning of the threads that a built-in makes: numbered right before it.
    fn thread_start(&mut self, table: u32, at: usize) -> Result<(), ParseError> {
        if self.here()?.types.arena().table_at(table).table64 {
            return Err(unsupported(
                "threads of functions of a table of 64 bits",
                at,
            ));
        }
        let signature = CoreSignature {
            params: vec![CoreType::I32; 2],
            results: Vec::new(),
        };
        let kind = CrossingKind::ThreadStart(table);
        let id = self.cross(kind, "thread".into(), signature, u32::MAX)?;
        self.describe(id, None, &Options::default(), None);
        self.item(Item::Incoming(id))
    }

    /// Adds a built-in as the next core function.
    fn outgoing(
        &mut self,
        builtin: Builtin,
        options: &Options,
        return_area: Option<ReturnArea>,
    ) -> Result<(), ParseError> {
        self.realloc(options)?;
        let index = self.core_function()?;
        let signature = self.signature(index)?;
        let name = builtin.to_string();
        self.budget.text(&name)?;
        let id = self.cross(
            CrossingKind::Builtin(builtin),
            name.into(),
            signature,
            index,
        )?;
        self.describe(id, None, options, return_area);
        self.item(Item::Outgoing(id))
    }
}

fn in_memory(memory: u32) -> Options {
    Options {
        memory: Some(memory),
        ..Options::default()
    }
}
