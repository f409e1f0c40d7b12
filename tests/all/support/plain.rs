//! A component run by Wasmtime as it is, without the recorder.

use std::path::Path;
use wasmtime::component::wasm_wave::untyped::UntypedFuncCall;
use wasmtime::component::{Component, ComponentExportIndex, Linker, ResourceTable, Type, Val};
use wasmtime::{Engine, Store};
use wasmtime_wasi::p2::bindings::sync::Command;
use wasmtime_wasi::p2::pipe::{MemoryInputPipe, MemoryOutputPipe};
use wasmtime_wasi::{FsPerms, I32Exit, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

struct Host {
    wasi: WasiCtx,
    http: WasiHttpCtx,
    table: ResourceTable,
}

impl WasiView for Host {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for Host {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            hooks: Default::default(),
            table: &mut self.table,
            ctx: &mut self.http,
        }
    }
}

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
    let command = Command::instantiate(&mut world.store, &world.component, &world.linker).unwrap();
    let ended = command.wasi_cli_run().call_run(&mut world.store);
    world.ended(ended.map(|result| i32::from(result.is_err())))
}

/// Calls an exported function, named as an exported instance has it, with
/// arguments in WAVE; a line with its result comes after what it printed.
pub fn call(component: &[u8], interface: Option<&str>, call: &str) -> PlainRun {
    let mut world = World::new(component, WasiCtx::builder());
    let call = UntypedFuncCall::parse(call).unwrap();
    let (store, component) = (&mut world.store, &world.component);
    let instance = world.linker.instantiate(&mut *store, component).unwrap();
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
    let ended = function.call(&mut *store, &arguments, &mut results);
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
    store: Store<Host>,
    component: Component,
    linker: Linker<Host>,
    stdout: MemoryOutputPipe,
    stderr: MemoryOutputPipe,
}

impl World {
    fn new(component: &[u8], mut wasi: WasiCtxBuilder) -> World {
        let engine = Engine::default();
        let mut linker: Linker<Host> = Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_sync(&mut linker).unwrap();
        wasmtime_wasi_http::p2::add_only_http_to_linker_sync(&mut linker).unwrap();
        let stdout = MemoryOutputPipe::new(1 << 20);
        let stderr = MemoryOutputPipe::new(1 << 20);
        let host = Host {
            wasi: wasi.stdout(stdout.clone()).stderr(stderr.clone()).build(),
            http: WasiHttpCtx::new(),
            table: ResourceTable::new(),
        };
        World {
            store: Store::new(&engine, host),
            component: Component::new(&engine, component).unwrap(),
            linker,
            stdout,
            stderr,
        }
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
