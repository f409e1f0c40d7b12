//! The values of expressions.

use super::boundary::CrossingFrame;
use super::rows::{core_view, encode, plain, view};
use super::stack::{GuestPlace, ShownFrame};
use super::values::{Within, failed};
use super::{Recording, address, data};
use crate::component::ModuleId;
use crate::debuggee::{DebuggeeError, Format, FrameId, Page, ValuesRef, VariableView};
use crate::inspect::FrameState;
use crate::inspect::expression::{
    Evaluated, Expression, Needs, Root, Scene, SceneMoment, SourceFrame, Telling, bytes_text,
    declared, declared_by_name,
};
use crate::inspect::hostcall::in_progress::LiftedCall;
use crate::inspect::variable::{ValueType, variables};
use crate::replay::{InstanceId, Phase};
use crate::timeline::Interrupt;
use crate::timeline::travel::motion::MemoryRange;

impl Recording {
    pub(super) fn evaluate_in(
        &mut self,
        text: &str,
        id: Option<FrameId>,
        format: Format,
    ) -> Result<VariableView, DebuggeeError> {
        let text = text.trim();
        let expression = Expression::parse(text).map_err(failed)?;
        let expression = expression.written(format.notation);
        if let Some(frame) = self.crossing_of_path(&expression, expression.bare(), id)? {
            let format = Format {
                notation: expression.notation(),
            };
            return self.call_expression(&frame, expression.bare(), format);
        }
        let frame = self.frame_meant(id)?;
        let number = frame.map_or(0, |id| id.0);
        let path = format!("{number}/={}", encode(text));
        self.in_scene(expression.needs(), frame, |scene, instance| {
            let value = expression.evaluate(scene).map_err(failed)?;
            Ok(evaluated_view(&expression, &value, &path, instance))
        })
    }

    /// The frame with a number, of the stack or below it; without a number, the innermost one with
    /// lines.
    fn frame_meant(&mut self, id: Option<FrameId>) -> Result<Option<FrameId>, DebuggeeError> {
        if let Some(id) = id
            && self.logical_at(id)?.is_some()
        {
            return Ok(Some(id));
        }
        Ok(self.frame_there(id)?.map(|frame| frame.id()))
    }

    /// What the type of an expression, or one by its name, is called or made of.
    pub(super) fn declared_in(
        &mut self,
        text: &str,
        id: Option<FrameId>,
        telling: Telling,
    ) -> Result<String, DebuggeeError> {
        let frame = self.frame_meant(id)?;
        if frame.is_none() {
            let modules = self.timeline.modules().iter();
            let mut told =
                modules.filter_map(|module| declared_by_name(text, &module.source, telling));
            if let Some(told) = told.next() {
                return Ok(told);
            }
        }
        self.in_scene(Needs::DECLARED, frame, |scene, _| {
            declared(text, scene, telling).map_err(failed)
        })
    }

    /// The type of an expression's value, and the module that describes it.
    pub(super) fn type_of(
        &mut self,
        text: &str,
        id: Option<FrameId>,
    ) -> Option<(ModuleId, ValueType)> {
        let expression = Expression::parse(text).ok()?;
        let below = id.and_then(|id| self.logical_at(id).ok()?);
        let frame = self.frame_there(id).ok()?;
        let module = match (&frame, &below) {
            (_, Some(below)) => below.module()?,
            (Some(ShownFrame::Guest(place)), None) => place.core.module,
            _ => self.caller()?.core.module,
        };
        let id = self.frame_meant(id).ok()?;
        let of = self.in_scene(expression.needs(), id, |scene, _| {
            Ok(expression.type_of(scene))
        });
        Some((module, of.ok()??))
    }

    /// What has changed in a value of a type that a module describes, part by part.
    pub(super) fn changes_of(
        &mut self,
        (module, of): &(ModuleId, ValueType),
        name: &str,
        (old, new): (&[u8], &[u8]),
    ) -> Option<String> {
        // The types of one module mean nothing in another.
        let place = self.caller().filter(|place| place.core.module == *module)?;
        let told = self.with_frame(&place, |source, _, state| {
            Ok(of.changes((source, state), name, (old, new)))
        });
        told.ok()?
    }

    /// The crossing that a path leads into the values of: those are shown with their types,
    /// and paged.
    pub(super) fn crossing_of_path(
        &mut self,
        expression: &Expression,
        text: &str,
        id: Option<FrameId>,
    ) -> Result<Option<CrossingFrame>, DebuggeeError> {
        match expression.path() {
            None => Ok(None),
            Some(Root::Crossing) => self.crossing_around(id),
            // A bare name in a crossing's frame may be that of an argument, or of a variable
            // of the code that called.
            Some(Root::Name) => match self.frame_there(id)? {
                Some(ShownFrame::Crossing(frame)) => {
                    let call = self.call(&frame);
                    // Why the call cannot be seen is told if there is no variable either.
                    let has = call.is_ok_and(|call| call.root_of(text).is_some());
                    Ok(has.then_some(frame))
                }
                Some(ShownFrame::Guest(_)) | None => Ok(None),
            },
        }
    }

    /// What is inside the value of an expression.
    pub(super) fn expression_values(
        &mut self,
        expression: &Expression,
        frame: Option<FrameId>,
        of: &ValuesRef,
        steps: &[&str],
        page: Page,
    ) -> Result<Vec<VariableView>, DebuggeeError> {
        self.in_scene(expression.needs(), frame, |scene, instance| {
            match (expression.evaluate(scene).map_err(failed)?, scene.frame) {
                (Evaluated::Variable(root), Some(frame)) => {
                    let within = Within {
                        source: frame.source,
                        frame: frame.state,
                        instance,
                    };
                    let expression = Some(expression.bare().to_owned());
                    within.rows(*root, expression, steps, &of.0, page)
                }
                _ => Ok(Vec::new()),
            }
        })
    }

    /// Lends what an expression sees from a frame, and the instance whose memory that is.
    /// From a hostcall's frame, the variables are those of the code that called.
    pub(super) fn in_scene<T>(
        &mut self,
        needs: Needs,
        frame: Option<FrameId>,
        look: impl FnOnce(&Scene<'_>, InstanceId) -> Result<T, DebuggeeError>,
    ) -> Result<T, DebuggeeError> {
        let here = self.timeline.here();
        let moment = SceneMoment {
            event: here.event,
            in_call: matches!(here.position.phase, Phase::Calling | Phase::Answered),
            tick: here.position.tick,
            position: Some(here.position),
            task: 0,
            turn: 0,
        };
        let moment = match needs.task {
            true => SceneMoment {
                task: self.task_here(&Interrupt::new())?,
                turn: self.timeline.turn()?,
                ..moment
            },
            false => moment,
        };
        if let Some(id) = frame
            && let Some(below) = self.logical_at(id)?
        {
            let scene = Scene {
                moment,
                registers: None,
                pc: None,
                frame: None,
                hostcall: None,
                at_hostcall: false,
                elsewhere: None,
            };
            return self.look_from_logical(&below, scene, look);
        }
        let (place, at_hostcall) = match self.frame_there(frame)? {
            Some(ShownFrame::Guest(place)) => (Some(place), false),
            Some(ShownFrame::Crossing(_)) => (self.caller(), true),
            // Nothing runs; the moment can be asked for all the same.
            None => (None, false),
        };
        let (hostcall, unseen) = match needs.hostcall || at_hostcall && needs.variables {
            true => match self.lifted_call(frame) {
                // It speaks of the hostcall by name.
                Err(why) if needs.hostcall && needs != Needs::DECLARED => return Err(why),
                Err(why) => (None, Some(why)),
                Ok(hostcall) => (hostcall, None),
            },
            false => (None, None),
        };
        let elsewhere = needs
            .elsewhere
            .then(|| self.timeline.elsewhere().clone())
            .filter(|elsewhere| !elsewhere.nodes.is_empty());
        let scene = Scene {
            moment,
            registers: None,
            pc: None,
            frame: None,
            hostcall: hostcall.as_ref(),
            at_hostcall,
            elsewhere: elsewhere.as_ref(),
        };
        let wants_frame = needs.variables || needs.registers;
        let place = place.filter(|_| wants_frame);
        let answer = self.look_from(place.as_ref(), scene, look);
        match (answer, unseen) {
            // It may speak of the hostcall by a bare name.
            (Err(error), Some(why)) => Err(failed(format!(
                "{error}; nor can the hostcall be seen: {why}"
            ))),
            (answer, _) => answer,
        }
    }

    /// Lends a scene with what is seen from a frame of guest code, if there is one.
    fn look_from<T>(
        &mut self,
        place: Option<&GuestPlace>,
        scene: Scene<'_>,
        look: impl FnOnce(&Scene<'_>, InstanceId) -> Result<T, DebuggeeError>,
    ) -> Result<T, DebuggeeError> {
        let Some(place) = place else {
            return look(&scene, InstanceId(0));
        };
        let instance = place.core.instance;
        self.with_frame(place, |source, site, state| {
            let has_variables = source.function_at(site.pc).is_some();
            let state: &dyn FrameState = state;
            let frame = SourceFrame {
                source,
                site,
                state,
                kept: None,
            };
            let scene = Scene {
                registers: Some(state),
                pc: Some(site.pc),
                frame: has_variables.then_some(frame),
                ..scene
            };
            look(&scene, instance)
        })
    }

    /// What expressions can name in a frame.
    pub(super) fn names_in(&mut self, frame: Option<FrameId>) -> Vec<String> {
        let mut names: Vec<String> = ["$event", "$tick", "$position", "$task", "$pc", "$mem["]
            .map(str::to_owned)
            .to_vec();
        if let Some(id) = frame
            && let Ok(Some(below)) = self.logical_at(id)
        {
            names.extend(below.names());
            return names;
        }
        let others = self.timeline.elsewhere().names();
        names.extend(others.map(|name| format!("$node.{name}.event")));
        if let Ok(Some(call)) = self.lifted_call(frame) {
            let arguments = call.arguments.iter();
            names.extend(arguments.map(|(name, _)| format!("$arg.{name}")));
            names.extend(call.result.map(|_| "$result".to_owned()));
        }
        let place = match self.frame(frame) {
            Ok(ShownFrame::Guest(place)) => Some(place),
            Ok(ShownFrame::Crossing(_)) => self.caller(),
            Err(_) => None,
        };
        let variables = place.and_then(|place| {
            let found = self.with_frame(&place, |source, site, frame| {
                let mut all = variables::variables(source, site, frame)?;
                all.extend(variables::statics(source, site.pc, frame)?);
                all.extend(variables::returned(source, frame));
                Ok(all)
            });
            found.ok()
        });
        let variables = variables.unwrap_or_default().into_iter();
        names.extend(variables.map(|variable| variable.name));
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The crossing in progress around a frame, as expressions see it; `None` if there is
    /// none.
    fn lifted_call(&mut self, frame: Option<FrameId>) -> Result<Option<LiftedCall>, DebuggeeError> {
        let Some(frame) = self.crossing_around(frame)? else {
            return Ok(None);
        };
        let call = self.call(&frame)?;
        let arguments = call.arguments.iter();
        Ok(Some(LiftedCall {
            name: call.crossing.name.to_string(),
            arguments: arguments
                .map(|part| (part.name.clone(), part.value.clone()))
                .collect(),
            result: call.result().map(|part| part.value.clone()),
        }))
    }
}

fn evaluated_view(
    expression: &Expression,
    value: &Evaluated,
    path: &str,
    instance: InstanceId,
) -> VariableView {
    let name = expression.bare().to_owned();
    match value {
        Evaluated::Variable(variable) => view(variable, path, Some(name), instance),
        Evaluated::Core(value) => {
            let notation = expression.notation();
            core_view(name, *value, Format { notation })
        }
        Evaluated::Bytes { address, bytes } => VariableView {
            memory: Some(address::memory(instance, *address)),
            data: Some(data::id_of(MemoryRange {
                instance,
                memory: 0,
                address: *address,
                length: bytes.len() as u32,
            })),
            ..plain(name, bytes_text(bytes), "bytes")
        },
        Evaluated::Lifted(_) => plain(name, expression.shown(value), "value"),
        Evaluated::Function(text) => plain(name, text.clone(), "function"),
        Evaluated::Number(number) => plain(name, number.clone(), "number"),
        Evaluated::Truth(truth) => plain(name, truth.to_string(), "bool"),
        Evaluated::Text(text) => plain(name, format!("{text:?}"), "text"),
    }
}
