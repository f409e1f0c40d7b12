//! What is in the frames below the stack: what a future keeps that is suspended, and the expressions
//! that see it.

use super::Recording;
use super::futures::{FIRST, Logical};
use super::rows::{decode, encode, view};
use super::values::{Within, gone};
use crate::component::ModuleId;
use crate::debuggee::{
    Children, DebuggeeError, FrameId, Page, Scope, ScopeHint, ValuesRef, VariableView,
};
use crate::inspect::FrameState;
use crate::inspect::expression::{Scene, SceneMoment, SourceFrame};
use crate::inspect::futures::Kept;
use crate::inspect::variable::variables::{Site, Variable};
use crate::replay::InstanceId;
use crate::source::ModuleSource;

/// The key of the scope with what a future keeps.
const KEPT: &str = "kept";

impl Recording {
    /// The frame below the stack with a number, if it is one of those.
    pub(super) fn logical_at(&mut self, id: FrameId) -> Result<Option<Logical>, DebuggeeError> {
        let Some(number) = id.0.checked_sub(FIRST).filter(|number| *number < FIRST / 2) else {
            return Ok(None);
        };
        Ok(self.logical()?.get(number as usize).cloned())
    }

    /// The scopes of such a frame; `None` if it is none.
    pub(super) fn scopes_of_logical(
        &mut self,
        id: FrameId,
    ) -> Result<Option<Vec<Scope>>, DebuggeeError> {
        Ok(match self.logical_at(id)? {
            None => None,
            Some(Logical::Label(_)) => Some(Vec::new()),
            Some(Logical::Task(frame)) => Some(vec![frame.scope()]),
            Some(Logical::Future(..)) => Some(vec![Scope {
                name: "Locals kept across the await".to_owned(),
                hint: ScopeHint::Locals,
                children: Children {
                    values: ValuesRef(format!("{}/{KEPT}", id.0)),
                    named: None,
                    indexed: None,
                },
                expensive: false,
            }]),
        })
    }

    /// The values in such a frame; `None` if it is none.
    pub(super) fn logical_values(
        &mut self,
        id: FrameId,
        of: &ValuesRef,
        steps: &[&str],
        page: Page,
    ) -> Result<Option<Vec<VariableView>>, DebuggeeError> {
        self.in_logical(id, |source, frame, instance, kept| {
            let within = Within {
                source,
                frame,
                instance,
            };
            let Some((name, steps)) = steps.split_first() else {
                let row = |variable: &Variable| {
                    let path = format!("{}/{}", of.0, encode(&variable.name));
                    view(variable, &path, Some(variable.name.clone()), instance)
                };
                return Ok(kept.iter().map(row).collect());
            };
            let name = decode(name);
            let mut named = kept.into_iter();
            let root = named.find(|known| known.name == name).ok_or_else(gone)?;
            within.rows(root, Some(name), steps, &of.0, page)
        })
    }

    /// Lends what such a frame keeps.
    fn in_logical<T>(
        &mut self,
        id: FrameId,
        look: impl FnOnce(
            &ModuleSource,
            &dyn FrameState,
            InstanceId,
            Vec<Variable>,
        ) -> Result<T, DebuggeeError>,
    ) -> Result<Option<T>, DebuggeeError> {
        let Some(Logical::Future(waiting)) = self.logical_at(id)? else {
            return Ok(None);
        };
        let (instance, future) = (waiting.instance, &waiting.future);
        let modules = self.timeline.modules().clone();
        let module = modules.get(waiting.module.0 as usize).ok_or_else(gone)?;
        self.with_memory(instance, |memory| {
            let kept = future.kept(&module.source, memory);
            look(&module.source, memory, instance, kept)
        })?
        .map(Some)
    }

    /// Lends what an expression sees from a frame below the stack.
    pub(super) fn look_from_logical<T>(
        &mut self,
        frame: &Logical,
        scene: Scene<'_>,
        look: impl FnOnce(&Scene<'_>, InstanceId) -> Result<T, DebuggeeError>,
    ) -> Result<T, DebuggeeError> {
        let scene = Scene {
            moment: SceneMoment {
                task: frame.task(),
                ..scene.moment
            },
            ..scene
        };
        let Logical::Future(waiting) = frame else {
            return look(&scene, InstanceId(0));
        };
        let modules = self.timeline.modules().clone();
        let module = modules.get(waiting.module.0 as usize).ok_or_else(gone)?;
        self.with_memory(waiting.instance, |memory| {
            let kept = waiting.future.coroutine();
            let source = &module.source;
            // Where it waits tells which types and statics are near.
            let pc = kept.and_then(|kept| {
                let line = kept.line?;
                let places = source.breakpoint_places(source.file(line.file), line.line);
                Some(places.first()?.pc)
            });
            let frame = kept.map(|kept| SourceFrame {
                source,
                site: Site {
                    pc: pc.unwrap_or_default(),
                    inlined: 0,
                },
                state: memory,
                kept: Some(kept),
            });
            let scene = Scene {
                registers: Some(memory),
                frame,
                ..scene
            };
            look(&scene, waiting.instance)
        })?
    }
}

impl Logical {
    /// The number of the task that it is a frame of; 0 if that is none.
    pub(super) fn task(&self) -> u64 {
        match self {
            Logical::Label(_) => 0,
            Logical::Future(waiting) => waiting.task,
            Logical::Task(frame) => frame.task,
        }
    }

    /// The module whose types its values are of.
    pub(super) fn module(&self) -> Option<ModuleId> {
        match self {
            Logical::Future(waiting) => Some(waiting.module),
            Logical::Label(_) | Logical::Task(_) => None,
        }
    }

    /// What can be named in it.
    pub(super) fn names(&self) -> Vec<String> {
        let Logical::Future(waiting) = self else {
            return Vec::new();
        };
        let kept = waiting.future.coroutine();
        kept.map(Kept::names).unwrap_or_default()
    }
}
