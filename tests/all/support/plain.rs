//! A component run by Wasmtime as it is, without the recorder.

use rr_dap_host::{Host, Interfaces, linker};
use std::path::Path;
use tokio::runtime::{Builder, Runtime};
use wasmtime::component::wasm_wave::untyped::UntypedFuncCall;
use wasmtime::component::{Component, ComponentExportIndex, Instance, Linker, Type, Val};
use wasmtime::{Config, Engine, Store};
use wasmtime_wasi::p2::bindings::Command;
use wasmtime_wasi::p2::pipe::{MemoryInputPipe, MemoryOutputPipe};
use wasmtime_wasi::{FsPerms, I32Exit, WasiCtx, WasiCtxBuilder};

/// How a plain run ended: its exit status as a shell shows it, and what it printed.
#[derive(Debug, PartialEq, Eq)]
pub struct PlainRun {
    pub status: i32,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}

/// Runs a command. `dir` is given to it as `/work`.
pub fn run(component: &[u8], program: &str, args: &[&str], dir: &Path, stdin: &str) -> PlainRun {
    let mut wasi = WasiCtx::builder();
    wasi.stdin(MemoryInputPipe::new(stdin.as_bytes().to_vec()))
        .arg(program)
        .args(args)
        .preopened_dir(dir, "/work", FsPerms::ReadWrite)
        .unwrap();
    run_command(component, wasi)
}

/// Runs a command that is given the network and nothing else.
pub fn run_online(component: &[u8], program: &str, args: &[&str]) -> PlainRun {
    let mut wasi = WasiCtx::builder();
    wasi.inherit_network().allow_tcp(true).allow_udp(true);
    wasi.arg(program).args(args);
    run_command(component, wasi)
}

fn run_command(component: &[u8], wasi: WasiCtxBuilder) -> PlainRun {
    let mut world = World::new(component, wasi);
    let run = async {
        let (store, component) = (&mut world.store, &world.component);
        let command = Command::instantiate_async(&mut *store, component, &world.linker).await;
        command.unwrap().wasi_cli_run().call_run(store).await
    };
    let ended = world.runtime.block_on(run);
    world.ended(ended.map(|result| i32::from(result.is_err())))
}

/// Calls an exported function, named as an exported instance has it, with
/// arguments in WAVE; a line with its result comes after what it printed.
pub fn call(component: &[u8], interface: Option<&str>, call: &str) -> PlainRun {
    call_with(component, interface, call, WasiCtx::builder())
}

/// The same; `dir` is given to it as `/work`.
pub fn call_in(component: &[u8], call: &str, dir: &Path) -> PlainRun {
    let mut wasi = WasiCtx::builder();
    wasi.preopened_dir(dir, "/work", FsPerms::ReadWrite)
        .unwrap();
    call_with(component, None, call, wasi)
}

fn call_with(
    component: &[u8],
    interface: Option<&str>,
    call: &str,
    wasi: WasiCtxBuilder,
) -> PlainRun {
    let mut world = World::new(component, wasi);
    let call = UntypedFuncCall::parse(call).unwrap();
    let instance = world.instantiate();
    let (store, component) = (&mut world.store, &world.component);
    let interface: Option<ComponentExportIndex> =
        interface.map(|name| component.get_export_index(None, name).unwrap());
    let function = component
        .get_export_index(interface.as_ref(), call.name())
        .unwrap();
    let function = instance.get_func(&mut *store, function).unwrap();
    let ty = function.ty(&*store);
    let types: Vec<Type> = ty.params().map(|(_, ty)| ty).collect();
    let arguments: Vec<Val> = call.to_wasm_params(&types).unwrap();
    let mut results = vec![Val::Bool(false); ty.results().len()];
    let call = function.call_async(&mut *store, &arguments, &mut results);
    let ended = world.runtime.block_on(call);
    let returned = ended.is_ok();
    let mut run = world.ended(ended.map(|()| 0));
    if returned {
        let result = results.first().map(|result| result.to_wave().unwrap());
        let result = result.unwrap_or_else(|| "()".into());
        run.stdout.extend(format!("{result}\n").bytes());
    }
    run
}

struct World {
    runtime: Runtime,
    store: Store<Host>,
    component: Component,
    linker: Linker<Host>,
    stdout: MemoryOutputPipe,
    stderr: MemoryOutputPipe,
}

impl World {
    fn new(component: &[u8], mut wasi: WasiCtxBuilder) -> World {
        let mut config = Config::new();
        rr_dap::record::everything(&mut config);
        let engine = Engine::new(&config).unwrap();
        let stdout = MemoryOutputPipe::new(1 << 20);
        let stderr = MemoryOutputPipe::new(1 << 20);
        let wasi = wasi.stdout(stdout.clone()).stderr(stderr.clone()).build();
        World {
            runtime: Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build()
                .unwrap(),
            store: Store::new(&engine, Host::new(wasi, ())),
            component: Component::new(&engine, component).unwrap(),
            linker: linker(&engine, Interfaces::ALL).unwrap(),
            stdout,
            stderr,
        }
    }

    fn instantiate(&mut self) -> Instance {
        let instance = self
            .linker
            .instantiate_async(&mut self.store, &self.component);
        self.runtime.block_on(instance).unwrap()
    }

    fn ended(self, ended: wasmtime::Result<i32>) -> PlainRun {
        let status = match ended {
            Ok(status) => status,
            Err(error) => error.downcast_ref::<I32Exit>().map_or(134, |exit| exit.0),
        };
        PlainRun {
            status,
            stdout: self.stdout.contents().to_vec(),
            stderr: self.stderr.contents().to_vec(),
        }
    }
}
