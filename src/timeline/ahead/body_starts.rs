//! Where stepping into functions stops. To know that takes all functions and lines of the
//! guest, seconds for a large one, and only few motions need it: it is worked out in the
//! background, and replayers read it from a file.

use crate::component::ModuleId;
use crate::timeline::processes::pool::Pool;
use crate::timeline::travel::lines;
use crate::timeline::travel::motion::Stepping;
use crate::timeline::{Module, Result, TimelineError, cannot};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

/// For each core module: where a step into a function stops, ascending.
pub(in crate::timeline) struct BodyStarts {
    shared: Arc<Shared>,
    /// Where replayers read it.
    file: OnceLock<PathBuf>,
}

struct Shared {
    modules: Arc<[Module]>,
    stepping: Stepping,
    starts: OnceLock<Vec<Vec<u32>>>,
}

impl Shared {
    fn get(&self) -> &[Vec<u32>] {
        self.starts.get_or_init(|| {
            let modules = (0..).map(ModuleId).zip(self.modules.iter());
            let own = |id, module, pc| !self.stepping.is_foreign(id, module, pc);
            let starts = modules.map(|(id, module)| {
                let mut starts = lines::body_starts(module);
                starts.retain(|pc| own(id, module, *pc));
                starts
            });
            starts.collect()
        })
    }
}

impl BodyStarts {
    /// Works it out when it is needed.
    pub(in crate::timeline) fn later(modules: Arc<[Module]>, stepping: Stepping) -> BodyStarts {
        let shared = Arc::new(Shared {
            modules,
            stepping,
            starts: OnceLock::new(),
        });
        BodyStarts {
            shared,
            file: OnceLock::new(),
        }
    }

    /// Begins to work it out.
    pub(in crate::timeline) fn begin(&self) {
        let ahead = self.shared.clone();
        let thread = std::thread::Builder::new().name("body-starts".into());
        // Without a thread it is worked out when it is needed.
        _ = thread.spawn(move || _ = ahead.get());
    }

    /// Waits until it is known.
    pub(in crate::timeline) fn get(&self) -> &[Vec<u32>] {
        self.shared.get()
    }

    /// Waits until it is known, and answers where replayers read it.
    pub(in crate::timeline) fn file(&self, pool: &Pool) -> Result<PathBuf> {
        if let Some(known) = self.file.get() {
            return Ok(known.clone());
        }
        let bytes = postcard::to_allocvec(self.get());
        let bytes = bytes.map_err(|error| TimelineError::Failed(error.to_string()))?;
        let file = pool.keep("body-starts", &bytes);
        let file = file.map_err(cannot("give replayers what line steps need"))?;
        Ok(self.file.get_or_init(|| file).clone())
    }
}
