//! Settings of the engine as `wasmtime` has them, of which a recording determines most.

use anyhow::bail;
use clap::Args;

#[derive(Debug, Args)]
pub(super) struct EngineSettings {
    /// Settings of the engine, as `wasmtime run` has them. A recording determines most; those
    /// that agree with it are taken.
    #[arg(
        short = 'W',
        long = "wasm",
        value_name = "KEY[=VALUE]",
        value_delimiter = ','
    )]
    wasm: Vec<String>,
    /// Settings of the compiler: refused with the reason.
    #[arg(
        short = 'O',
        long = "optimize",
        value_name = "KEY[=VALUE]",
        hide = true
    )]
    optimize: Vec<String>,
    #[arg(short = 'C', long = "codegen", value_name = "KEY[=VALUE]", hide = true)]
    codegen: Vec<String>,
    #[arg(short = 'D', long = "debug", value_name = "KEY[=VALUE]", hide = true)]
    debug: Vec<String>,
}

impl EngineSettings {
    /// Refuses what a recording cannot have.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        for setting in &self.wasm {
            let (name, value) = setting.split_once('=').unwrap_or((setting, "y"));
            let known = ENGINE_SETTINGS.contains(&name);
            match value {
                "y" | "yes" | "true" if known => {}
                "n" | "no" | "false" if known => {
                    bail!("-W {setting}: a recording is made with {name}; leave it out")
                }
                _ => bail!(
                    "-W {setting} is not possible in a recording: its engine is set up so that \
                     replay does the same again; taken are {}",
                    ENGINE_SETTINGS.join(", ")
                ),
            }
        }
        let compiler = [
            ("-O", &self.optimize),
            ("-C", &self.codegen),
            ("-D", &self.debug),
        ];
        for (flag, settings) in compiler {
            if let Some(setting) = settings.first() {
                bail!(
                    "{flag} {setting} is not taken here: what a guest does does not hang on how it \
                     is compiled, and a recording holds no compiled code; leave it out"
                );
            }
        }
        Ok(())
    }
}

/// Settings that a recording has anyway, so that a line written for
/// `wasmtime run` works here.
const ENGINE_SETTINGS: &[&str] = &[
    "nan-canonicalization",
    "relaxed-simd-deterministic",
    "component-model",
    "component-model-async",
    "multi-memory",
    "simd",
    "relaxed-simd",
    "bulk-memory",
    "reference-types",
    "multi-value",
    "tail-call",
    "exceptions",
];
