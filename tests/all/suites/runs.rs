//! One component of a suite, run plainly and recorded on the same host.

use super::host;
use super::script::Run;
use crate::support::turned;
use rr_dap::component::Component;
use rr_dap::instrument::record::instrument_with;
use rr_dap::record::{Recorder, deterministic, everything};
use rr_dap::trace::{Metadata, Outcome};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use wasmtime::component::{Component as Compiled, Linker, Val};
use wasmtime::{Config, Engine, Store, Trap};

/// A call that has not come back by then waits for what does not come.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is random, as the environment says.
fn dialled() -> Metadata {
    let seed = |name: &str| std::env::var(name).ok()?.parse().ok();
    Metadata {
        handles: seed("RR_DAP_SUITES_HANDLES"),
        chaos: seed("RR_DAP_SUITES_CHAOS"),
        ..Metadata::default()
    }
}

/// What came of a run.
#[derive(Debug, PartialEq)]
pub enum Came {
    /// Wasmtime does not compile this component.
    NotForWasmtime(String),
    /// rr-dap says that it cannot record this, and why.
    Refused(String),
    /// It was not instantiated, with Wasmtime's reason.
    NotInstantiated(String),
    /// What each call answered.
    Called(Vec<Answer>),
}

/// Why there is not a recording of the whole run.
#[derive(Debug)]
pub enum Fault {
    /// A call returned while one that was made after it still waited; up to there it replays.
    CutShort,
    Of(String),
}

/// What a call came to: results, or Wasmtime's error.
#[derive(Debug, PartialEq)]
pub enum Answer {
    Returned(String),
    Failed(String),
    NoSuchExport,
    Waits,
}

pub struct Runner {
    plain: Engine,
    recorded: Engine,
    tokio: tokio::runtime::Runtime,
}

impl Runner {
    pub fn new() -> Runner {
        let every_feature = |config: &mut Config| {
            everything(config);
            config
                .wasm_multi_memory(true)
                .wasm_component_model_async_stackful(true)
                .wasm_component_model_threading(true)
                .wasm_component_model_implements(true)
                .wasm_component_model_gc(true)
                .wasm_gc(true)
                .wasm_function_references(true)
                .wasm_exceptions(true)
                .wasm_tail_call(true)
                .wasm_custom_page_sizes(true)
                .wasm_wide_arithmetic(true);
            Engine::new(config).unwrap()
        };
        let mut recording = Config::new();
        deterministic(&mut recording);
        Runner {
            plain: every_feature(&mut Config::new()),
            recorded: every_feature(&mut recording),
            tokio: tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .build()
                .unwrap(),
        }
    }

    /// As Wasmtime runs it.
    pub fn plainly(&self, run: &Run) -> Came {
        // Wasmtime itself panics on some that use what is not finished there.
        let compiled = catch_unwind(AssertUnwindSafe(|| {
            Compiled::new(&self.plain, &run.component)
        }));
        let Ok(compiled) = compiled else {
            return Came::NotForWasmtime("a panic".to_owned());
        };
        match compiled {
            Ok(compiled) => {
                let linker = host::linker(&self.plain).unwrap();
                self.go(&self.plain, linker, &compiled, run).0
            }
            Err(error) => Came::NotForWasmtime(format!("{error:#}")),
        }
    }

    /// As it runs when it is recorded; the recording is at `trace` if there is one.
    ///
    /// # Errors
    ///
    /// A fault of rr-dap: a panic, or what it made does not compile; or that calls did not
    /// return in the reverse of their order.
    pub fn recorded(&self, run: &Run, trace: &Path) -> Result<Came, Fault> {
        let metadata = dialled();
        let made = catch_unwind(AssertUnwindSafe(|| {
            let component = Component::parse(run.component.clone()).map_err(|e| e.to_string())?;
            let rewritten = instrument_with(&component, turned(&metadata));
            let rewritten = rewritten.map_err(|e| e.to_string())?;
            Ok::<_, String>((Arc::new(component), rewritten))
        }));
        let (component, rewritten) = match made {
            Ok(Ok(made)) => made,
            Ok(Err(refused)) => return Ok(Came::Refused(refused)),
            Err(_) => return Err(Fault::Of("a panic in the rewrite".to_owned())),
        };
        let compiled = Compiled::new(&self.recorded, &rewritten)
            .map_err(|e| format!("what it was rewritten to does not compile: {e:#}"))
            .map_err(Fault::Of)?;
        let recorder = Recorder::overwrite(trace, component, &metadata)
            .map_err(|e| Fault::Of(e.to_string()))?;
        let mut linker = host::linker(&self.recorded).unwrap();
        recorder.add_to_linker(&mut linker).unwrap();
        let (came, outcome) = self.go(&self.recorded, linker, &compiled, run);
        match recorder.finish(outcome).map_err(|e| e.to_string()) {
            Err(error) if error.contains("the recording ends here") => Err(Fault::CutShort),
            Err(error) => Err(Fault::Of(error)),
            Ok(_) => Ok(came),
        }
    }

    fn go(
        &self,
        engine: &Engine,
        linker: Linker<()>,
        compiled: &Compiled,
        run: &Run,
    ) -> (Came, Outcome) {
        self.tokio.block_on(async {
            let mut store = Store::new(engine, ());
            let instance = linker.instantiate_async(&mut store, compiled).await;
            let instance = match instance {
                Ok(instance) => instance,
                Err(error) => {
                    let outcome = outcome(&error);
                    return (Came::NotInstantiated(reason(&error)), outcome);
                }
            };
            let mut answers = Vec::new();
            let mut ending = Outcome::Returned {
                success: true,
                result: None,
            };
            for call in &run.calls {
                let Some(function) = instance.get_func(&mut store, &call.name) else {
                    answers.push(Answer::NoSuchExport);
                    continue;
                };
                let count = function.ty(&store).results().len();
                let mut results = vec![Val::Bool(false); count];
                let called = function.call_async(&mut store, &call.arguments, &mut results);
                answers.push(match tokio::time::timeout(PATIENCE, called).await {
                    Ok(Ok(())) => Answer::Returned(format!("{results:?}")),
                    Ok(Err(error)) => {
                        // A store that a trap has left runs nothing more: the first ends it.
                        if matches!(ending, Outcome::Returned { .. }) {
                            ending = outcome(&error);
                        }
                        Answer::Failed(reason(&error))
                    }
                    Err(_) => Answer::Waits,
                });
            }
            (Came::Called(answers), ending)
        })
    }
}

/// Without the backtrace, which names the functions of the rewritten component.
fn reason(error: &wasmtime::Error) -> String {
    error.root_cause().to_string()
}

fn outcome(error: &wasmtime::Error) -> Outcome {
    match error.downcast_ref::<Trap>() {
        Some(trap) => Outcome::Trapped(trap.to_string()),
        None => Outcome::HostError(reason(error)),
    }
}
