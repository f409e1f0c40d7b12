//! Programs: made into components, taken apart, rewritten for recording and for replay.

use super::{Reached, scratch};
use rr_dap::component::layout::{lifted, lowered};
use rr_dap::component::{Component, Crossing, CrossingKind, component_bytes, same_code};
use rr_dap::instrument::clock::{ClockError, ClockStyle, Clocked, clock, profile};
use rr_dap::instrument::record::{Commit, RecordError, instrument};
use rr_dap::instrument::sink::{Sink, SinkError, instrument_into};
use rr_dap::replay::Code;
use rr_dap::trace::Metadata;
use std::sync::Arc;
use wasmparser::{Validator, WasmFeatures};

/// Opens a program and does all that is done to one before any of its code runs.
pub fn component(bytes: &[u8]) -> Reached {
    let path = scratch::file("app.wasm", bytes);
    let binary = match component_bytes(&path) {
        Ok(binary) => binary,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return Reached::Refused;
        }
    };
    let component = match Component::parse(binary) {
        Ok(component) => Arc::new(component),
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return Reached::Refused;
        }
    };
    same_code(&component, &component).expect("a component has the code that it has");
    for (id, crossing) in component.crossings().iter().enumerate() {
        assert_eq!(crossing.id.0 as usize, id);
        describe(crossing);
    }
    for module in component.modules() {
        rewrite(module);
    }
    match record(&component) {
        Ok(()) => Reached::End,
        Err(_) => Reached::Wrong,
    }
}

fn describe(crossing: &Crossing) {
    let _ = format!("{crossing:?}");
    crossing.element_size();
    if let Some(function) = &crossing.function {
        match crossing.kind {
            CrossingKind::Lower => {
                lowered(function, crossing.pointer, crossing.is_async);
            }
            _ => {
                lifted(function, crossing.pointer, crossing.lift());
            }
        }
    }
}

/// What comes out of a rewrite must be valid: the module is, as part of a valid component.
fn rewrite(module: &[u8]) {
    let code = Code::read(module.into()).expect("a valid module");
    for style in [ClockStyle::Shared, ClockStyle::Cached, ClockStyle::Lazy] {
        check(clock(module, style), &code);
    }
    check(profile(module), &code);
}

fn check(clocked: Result<Clocked, ClockError>, code: &Code) {
    match clocked {
        Ok(clocked) => {
            Validator::new_with_features(WasmFeatures::all())
                .validate_all(&clocked.module)
                .expect("a module with a clock is valid");
            code.function_at(0);
        }
        Err(ClockError::Invalid(error)) => panic!("a valid module is called invalid: {error}"),
        Err(ClockError::Encode(what)) => panic!("a valid module is not encoded again: {what}"),
        Err(ClockError::TooLarge { .. } | ClockError::TooManyLocals) => {}
    }
}

fn record(component: &Arc<Component>) -> Result<(), SinkError> {
    match instrument(component) {
        Err(RecordError::Produced(error)) => panic!("rewritten into what is not valid: {error}"),
        other => drop(other?),
    }
    let joined = instrument_into(
        component,
        &Sink::Stderr,
        Commit::EachHostcall,
        &Metadata::default(),
    );
    match joined {
        Err(SinkError::Produced(error)) => panic!("joined into what is not valid: {error}"),
        other => other.map(drop),
    }
}
