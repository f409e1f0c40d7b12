//! Futures are read out of memory that anybody may have made: whatever is in it, and in the debug
//! information, reading them ends, with as much as there is.

use crate::support::file::{Numbers, mutate};
use crate::support::{cache_dir, record, task_history, unpacked};
use rr_dap::component::Component;
use rr_dap::component::types::CoreValue;
use rr_dap::inspect::FrameState;
use rr_dap::inspect::futures::{self, Future, Row};
use rr_dap::replay::variant::{CacheDir, Variant};
use rr_dap::replay::{Calling, Compiled, Observer, Replay, State};
use rr_dap::source::ModuleSource;
use rr_dap::trace::Trace;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};
use wasmtime::StoreContextMut;

/// The memory of a program that waits, what its task has left, and its module.
struct Image {
    memory: Vec<u8>,
    storage: u64,
    module: Arc<[u8]>,
}

/// More than any of the readings here may take, on a busy machine.
const LONGEST: Duration = Duration::from_secs(60);
/// More futures are never told of.
const MOST: usize = 20_000;

struct Snapshot {
    at: u64,
    taken: Arc<Mutex<Option<Vec<u8>>>>,
}

impl Observer for Snapshot {
    fn calling(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        call: &Calling,
    ) -> wasmtime::Result<()> {
        let memory = store.data().memory_of(call.instance, call.crossing);
        if call.event >= self.at
            && let Some(memory) = memory
        {
            let bytes = || memory.data(&*store).to_vec();
            self.taken.lock().unwrap().get_or_insert_with(bytes);
        }
        Ok(())
    }
}

/// Made once: it takes a recording and its replay.
fn image() -> &'static Image {
    static IMAGE: OnceLock<Image> = OnceLock::new();
    IMAGE.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let app = dir.path().join("awaits.wasm");
        std::fs::write(&app, unpacked("awaits/awaits-O0.wasm.zst")).unwrap();
        let path = dir.path().join("t.rrtrace");
        let recorded = record(&app, &["--quiet"], &[], "", &path);
        assert!(recorded.status.success(), "{recorded:?}");
        let trace = Arc::new(Trace::open(&path).unwrap());
        let at = 24;
        let history = task_history(&trace);
        let tasks = history.at(at, true).unwrap();
        let storage = tasks.tasks().find_map(|task| task.context[0]).unwrap();
        let cache = CacheDir::open(&cache_dir()).unwrap();
        let compiled = Compiled::prepare(&trace, &cache, Variant::Fast, &|_, _| {}).unwrap();
        let taken = Arc::new(Mutex::new(None));
        let snapshot = Snapshot {
            at,
            taken: taken.clone(),
        };
        let mut replay = Replay::new(trace.clone(), &compiled, Box::new(snapshot)).unwrap();
        replay.run().unwrap();
        let component: &Component = trace.component();
        let largest = component.modules().max_by_key(|module| module.len());
        Image {
            memory: taken.lock().unwrap().take().unwrap(),
            storage,
            module: largest.unwrap().into(),
        }
    })
}

struct Memory(Vec<u8>);

impl FrameState for Memory {
    fn local(&self, _: u32) -> Option<CoreValue> {
        None
    }

    fn operand(&self, _: u32) -> Option<CoreValue> {
        None
    }

    fn global(&self, _: u32) -> Option<CoreValue> {
        None
    }

    fn memory(&self, address: u64, length: usize) -> Option<Vec<u8>> {
        let from = usize::try_from(address).ok()?;
        let bytes = self.0.get(from..from.checked_add(length)?)?;
        Some(bytes.to_vec())
    }
}

fn count(future: &Future) -> usize {
    1 + future.awaits.iter().map(count).sum::<usize>()
}

/// Reads all that is told of the futures of a task; how many there are.
fn read(source: &ModuleSource, memory: &Memory, storage: u64) -> usize {
    let begun = Instant::now();
    let roots = futures::in_task(source, memory, storage, &[]);
    let found = roots.futures.iter().map(count).sum();
    for row in futures::rows(roots.futures) {
        if let Row::Future(future) = row {
            for kept in future.kept(source, memory) {
                assert!(kept.value.len() < 1 << 20, "{} bytes", kept.value.len());
            }
        }
    }
    assert!(begun.elapsed() < LONGEST, "{:?}", begun.elapsed());
    assert!(found <= MOST, "{found}");
    found
}

/// Where the words of a memory are that point into it, as far as they look like that.
fn pointers(memory: &[u8], near: usize) -> Vec<usize> {
    let from = near.saturating_sub(1 << 16) & !3;
    let words = (from..memory.len().min(near + (1 << 17))).step_by(4);
    let word = |at: &usize| {
        let bytes = memory.get(*at..*at + 4).unwrap_or_default();
        bytes.try_into().map(u32::from_le_bytes).unwrap_or(0)
    };
    words
        .filter(|at| (1024..memory.len() as u32).contains(&word(at)))
        .collect()
}

#[test]
fn futures_in_damaged_memory() {
    let Image {
        memory,
        storage,
        module,
    } = image();
    let source = ModuleSource::read(module.clone()).unwrap();
    let sound = read(&source, &Memory(memory.clone()), *storage);
    assert!(sound > 8, "{sound}");
    let pointers = pointers(memory, *storage as usize);
    assert!(pointers.len() > 100, "{}", pointers.len());
    let mut numbers = Numbers(0xf07e);
    let (mut same, mut fewer) = (0, 0);
    for round in 0..400 {
        let mut damaged = memory.clone();
        for _ in 0..1 + numbers.below(40) {
            let at = pointers[numbers.below(pointers.len())];
            // What it points to: itself, others, nothing, all there is; or a number that is a
            // length or a discriminant.
            let word = match numbers.below(6) {
                0 => at as u32,
                1 => pointers[numbers.below(pointers.len())] as u32,
                2 => *storage as u32,
                3 => u32::MAX >> numbers.below(32),
                4 => numbers.below(8) as u32,
                _ => numbers.next() as u32,
            };
            damaged[at..at + 4].copy_from_slice(&word.to_le_bytes());
        }
        let start = match round % 4 {
            0 => numbers.next() >> numbers.below(64),
            1 => pointers[numbers.below(pointers.len())] as u64,
            _ => *storage,
        };
        match read(&source, &Memory(damaged), start) {
            0 => fewer += 1,
            found if found < sound => fewer += 1,
            _ => same += 1,
        }
    }
    // Damage is felt, and not always.
    assert!(same > 20 && fewer > 20, "{same}, {fewer}");
    // A memory that is one large cycle, and one that is all ones.
    let word = (*storage as u32).to_le_bytes();
    let cycle = memory
        .iter()
        .zip(word.iter().cycle())
        .map(|(_, byte)| *byte);
    read(&source, &Memory(cycle.collect()), *storage);
    read(&source, &Memory(vec![0xff; memory.len()]), *storage);
    read(&source, &Memory(vec![1; memory.len()]), *storage);
    read(&source, &Memory(Vec::new()), *storage);
}

#[test]
fn futures_by_damaged_debug_information() {
    let Image {
        memory,
        storage,
        module,
    } = image();
    let memory = Memory(memory.clone());
    // Debug information is at the end of a module.
    let from = module.len() / 4;
    let mut numbers = Numbers(0xdeb6);
    let mut refused = 0;
    for _ in 0..12 {
        let mut damaged = module.to_vec();
        for _ in 0..1 + numbers.below(300) {
            let at = from + numbers.below(module.len() - from - 64);
            let mut bytes = damaged[at..at + 64].to_vec();
            mutate(&mut bytes, &mut numbers);
            bytes.resize(64, 0);
            damaged[at..at + 64].copy_from_slice(&bytes);
        }
        match ModuleSource::read(damaged.into()) {
            Ok(source) => _ = read(&source, &memory, *storage),
            Err(_) => refused += 1,
        }
    }
    assert!(refused < 12);
}
