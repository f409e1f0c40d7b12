//! What a run begins with: a command's `run`, or a call that a person wrote.

use super::exports::{Export, functions, listed};
use super::host::Host;
use crate::trace::UNTOLD;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::wasm_wave::untyped::UntypedFuncCall;
use wasmtime::component::{Component, ComponentExportIndex, InstancePre, Type, Val};
use wasmtime::{Engine, Store};

/// Why there is nothing to run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// There is nothing to call unless a call is given.
    #[error(
        "the component exports no wasi:cli/run, so there is no command to run: \
         call a function with --invoke 'NAME(ARGUMENTS)'; {exports}"
    )]
    NoCommand {
        /// `it exports:` and the signatures, one on each line.
        exports: String,
    },
    /// There is no name before a `(`.
    #[error(
        "`{call}` is not a call: write it as NAME(ARGUMENTS), with arguments in WAVE, \
         for instance 'f(1, \"two\", [3.5])'"
    )]
    NoCall {
        /// What the person wrote.
        call: String,
    },
    /// No exported function fits the name.
    #[error("the component exports no function `{name}`; {exports}")]
    NoFunction {
        /// What stands before the `(`.
        name: String,
        /// `it exports:` and the signatures, one on each line.
        exports: String,
    },
    /// Functions of several exported instances fit the name equally well.
    #[error("`{name}` is the name of several exported functions; say which: {paths}")]
    Ambiguous {
        /// What stands before the `(`.
        name: String,
        /// The names that tell them apart (`ns:package/interface@1.0.0#f`), with commas.
        paths: String,
    },
    /// They are not WAVE, or not of the types or the number of the parameters.
    #[error("the arguments in `{call}` do not fit ({message}); the function is\n  {signature}")]
    Arguments {
        /// What the person wrote.
        call: String,
        /// What the WAVE parser says.
        message: String,
        /// The function's name and type, as WIT has them.
        signature: String,
    },
}

/// What is called after instantiation.
pub(super) enum EntryPoint {
    /// `run` of `wasi:cli/run`.
    Command(ComponentExportIndex),
    /// Any exported function, with arguments that fit it.
    Call {
        function: ComponentExportIndex,
        arguments: Vec<Val>,
        results: usize,
    },
}

/// What came of it.
pub(super) struct Answer {
    /// Whether the guest said that it succeeded; a call always does.
    pub(super) success: bool,
    /// A call's result, as WAVE.
    pub(super) result: Option<String>,
}

impl EntryPoint {
    /// The command of a component.
    pub(super) fn command(
        engine: &Engine,
        component: &Component,
    ) -> Result<EntryPoint, EntryError> {
        // As `wasmtime run`: of a component that is a command for both, the newer.
        ["wasi:cli/run@0.3.", "wasi:cli/run@0.2."]
            .iter()
            .find_map(|interface| run_function(engine, component, interface))
            .map(EntryPoint::Command)
            .ok_or_else(|| EntryError::NoCommand {
                exports: listed(&functions(engine, component)),
            })
    }

    /// The call that `call` spells: `f(1, "two")`, or
    /// `ns:package/interface@1.0.0#f(…)` for a function of an exported instance.
    pub(super) fn call(
        engine: &Engine,
        component: &Component,
        call: &str,
    ) -> Result<EntryPoint, EntryError> {
        let (name, arguments) = match call.find('(') {
            Some(at) if at > 0 => call.split_at(at),
            _ => return Err(EntryError::NoCall { call: call.into() }),
        };
        let functions = functions(engine, component);
        let function = named(&functions, name.trim())?;
        Ok(EntryPoint::Call {
            function: function.index,
            arguments: parsed(name, arguments, function).map_err(|message| {
                EntryError::Arguments {
                    call: call.to_owned(),
                    message,
                    signature: function.signature(),
                }
            })?,
            results: function.ty.results().len(),
        })
    }

    /// Instantiates the component and makes the call.
    pub(super) async fn run(
        &self,
        component: &InstancePre<Host>,
        store: &mut Store<Host>,
    ) -> wasmtime::Result<Answer> {
        let instance = component.instantiate_async(&mut *store).await?;
        let missing = || wasmtime::Error::msg("the instance lacks an export of its component");
        match self {
            EntryPoint::Command(function) => {
                let run = instance
                    .get_typed_func::<(), (Result<(), ()>,)>(&mut *store, function)
                    .map_err(|e| e.context("`run` is not what wasi:cli says it is"))?;
                let (answer,) = run.call_async(&mut *store, ()).await?;
                Ok(Answer {
                    success: answer.is_ok(),
                    result: None,
                })
            }
            EntryPoint::Call {
                function,
                arguments,
                results,
            } => {
                let function = instance
                    .get_func(&mut *store, function)
                    .ok_or_else(missing)?;
                let mut results = vec![Val::Bool(false); *results];
                function
                    .call_async(&mut *store, arguments, &mut results)
                    .await?;
                Ok(Answer {
                    success: true,
                    result: Some(told(results.first())),
                })
            }
        }
    }
}

fn run_function(
    engine: &Engine,
    component: &Component,
    interface: &str,
) -> Option<ComponentExportIndex> {
    let ty = component.component_type();
    let (name, _) = ty
        .exports(engine)
        .filter(|(_, item)| matches!(item.ty, ComponentItem::ComponentInstance(_)))
        .find(|(name, _)| name.starts_with(interface))?;
    let instance = component.get_export_index(None, name)?;
    component.get_export_index(Some(&instance), "run")
}

/// The one function that a name fits best.
fn named<'a>(functions: &'a [Export], name: &str) -> Result<&'a Export, EntryError> {
    let best = functions.iter().filter_map(|f| f.fit(name)).min();
    let mut fitting = functions
        .iter()
        .filter(|f| best.is_some() && f.fit(name) == best);
    let found = fitting.next().ok_or_else(|| EntryError::NoFunction {
        name: name.to_owned(),
        exports: listed(functions),
    })?;
    let others: Vec<String> = fitting.map(Export::path).collect();
    if others.is_empty() {
        return Ok(found);
    }
    Err(EntryError::Ambiguous {
        name: name.to_owned(),
        paths: format!("{}, {}", found.path(), others.join(", ")),
    })
}

/// Reads arguments as values of the function's parameter types.
fn parsed(name: &str, arguments: &str, function: &Export) -> Result<Vec<Val>, String> {
    // The parser knows fewer names than there are: one that it knows, as long as
    // the real one, lets it tell places in the text truly.
    let call = "f".repeat(name.len()) + arguments;
    let types: Vec<Type> = function.ty.params().map(|(_, ty)| ty).collect();
    let call = UntypedFuncCall::parse(&call).map_err(|e| e.to_string())?;
    call.to_wasm_params(&types).map_err(|e| e.to_string())
}

/// A call's result as WAVE tells it.
fn told(result: Option<&Val>) -> String {
    match result {
        None => "()".to_owned(),
        // The writer panics on what WAVE has no words for.
        Some(value) if !tellable(value) => UNTOLD.to_owned(),
        Some(value) => value.to_wave().unwrap_or_else(|e| format!("({e})")),
    }
}

/// Whether WAVE has words for all that a value holds.
fn tellable(value: &Val) -> bool {
    let payload = |value: &Option<Box<Val>>| value.as_deref().is_none_or(tellable);
    match value {
        Val::Resource(_) | Val::Future(_) | Val::Stream(_) => false,
        Val::ErrorContext(_) | Val::Map(_) => false,
        Val::List(values) | Val::Tuple(values) | Val::FixedLengthList(values) => {
            values.iter().all(tellable)
        }
        Val::Record(fields) => fields.iter().all(|(_, value)| tellable(value)),
        Val::Variant(_, value) | Val::Option(value) => payload(value),
        Val::Result(Ok(value) | Err(value)) => payload(value),
        _ => true,
    }
}
