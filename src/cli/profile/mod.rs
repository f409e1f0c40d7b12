//! `rr-dap replay --profile`: where the ticks of a recording went, in a file for other tools.

mod firefox;
mod folded;
mod perfetto;
mod timed;

use super::progress::CompileProgress;
use crate::component::{Component, ModuleId};
use crate::inspect::profile::{Profile, Sources};
use crate::instrument::probe::Probe;
use crate::replay::Compiled;
use crate::replay::contexts::Contexts;
use crate::replay::variant::{CacheDir, Variant};
use crate::source::ModuleSource;
use crate::source::external::{External, Search};
use crate::trace::Trace;
use anyhow::{Context, bail};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a file is for, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    /// The Firefox Profiler, and whether it is compressed.
    Firefox { is_compressed: bool },
    /// Perfetto.
    Perfetto,
    /// A line for each stack, as flame graphs are made of.
    Folded,
}

impl Format {
    fn of(path: &Path) -> anyhow::Result<Format> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = name.to_lowercase();
        let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
        if ends(&[".json.gz"]) {
            return Ok(Format::Firefox {
                is_compressed: true,
            });
        }
        if ends(&[".json"]) {
            return Ok(Format::Firefox {
                is_compressed: false,
            });
        }
        if ends(&[".folded", ".txt"]) {
            return Ok(Format::Folded);
        }
        if ends(&[".pftrace", ".perfetto-trace"]) {
            return Ok(Format::Perfetto);
        }
        bail!(
            "{}: a profile's format is told by the file's name: .json or .json.gz for the Firefox \
             Profiler, .pftrace or .perfetto-trace for Perfetto, .folded or .txt for folded stacks",
            path.display()
        )
    }
}

/// A file to write a profile to.
pub(super) struct Output {
    path: PathBuf,
    format: Format,
}

impl Output {
    /// Finds out what it is for.
    pub(super) fn new(path: &Path) -> anyhow::Result<Output> {
        Ok(Output {
            path: path.to_owned(),
            format: Format::of(path)?,
        })
    }

    /// Replays the recording once more, and writes where its ticks went.
    pub(super) fn write(&self, trace: &Arc<Trace>) -> anyhow::Result<Profile> {
        // Before the work, so that who cannot write knows soon.
        let file = File::create(&self.path);
        let file = file.with_context(|| format!("cannot write {}", self.path.display()))?;
        let profile = profile(trace)?;
        let mut file = BufWriter::new(file);
        let written = match self.format {
            Format::Folded => folded::write(&profile, &mut file).map_err(anyhow::Error::from),
            Format::Perfetto => {
                perfetto::write(&profile, trace, &mut file).map_err(anyhow::Error::from)
            }
            Format::Firefox { is_compressed } => {
                firefox::write(&profile, trace, is_compressed, &mut file)
            }
        };
        let written = written.and_then(|()| Ok(file.flush()?));
        written.with_context(|| format!("cannot write {}", self.path.display()))?;
        Ok(profile)
    }
}

/// Measures a recording.
fn profile(trace: &Arc<Trace>) -> anyhow::Result<Profile> {
    let progress = CompileProgress::new();
    let cache = CacheDir::open_default()?;
    let variant = Variant::Probed(Probe::Context);
    let compiled = Compiled::prepare(trace, &cache, variant, &|done, all| {
        progress.update(done, all);
    })?;
    progress.finish();
    let contexts = Contexts::of(trace, &compiled, &Arc::default())?;
    let component = with_debug_files(trace)?;
    let component = component.as_ref().unwrap_or(trace.component());
    let modules = component.modules();
    let modules = modules.map(|bytes| ModuleSource::read(Arc::from(bytes)));
    let modules = modules.collect::<Result<Vec<_>, _>>()?;
    let of = |module: ModuleId| modules.get(module.0 as usize);
    Ok(Profile::of(contexts, component, &Sources::new(&of)))
}

/// The component with debug information that is in files beside it, if it is.
fn with_debug_files(trace: &Trace) -> anyhow::Result<Option<Arc<Component>>> {
    let program = &trace.metadata().program;
    let beside = [trace.path().to_owned(), PathBuf::from(program)];
    let search = Search {
        program: program.clone(),
        beside: beside.to_vec(),
        given: Vec::new(),
    };
    let external = External::find(trace.component(), &search)?;
    let Some(bytes) = external.put_into(trace.component()) else {
        return Ok(None);
    };
    Ok(Some(Arc::new(Component::parse(bytes)?)))
}
