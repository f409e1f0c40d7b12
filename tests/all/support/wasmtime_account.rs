//! What Wasmtime itself says of tasks while it runs a component: its log, followed line by line.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

/// The part of Wasmtime that keeps tasks, sets, streams and futures.
pub const TARGET: &str = "wasmtime::runtime::component::concurrent";

thread_local! {
    static LINES: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

struct Listener;

impl log::Log for Listener {
    fn enabled(&self, metadata: &log::Metadata) -> bool {
        metadata.target().starts_with(TARGET) && LINES.with_borrow(Option::is_some)
    }

    fn log(&self, record: &log::Record) {
        if self.enabled(record.metadata()) {
            LINES.with_borrow_mut(|lines| lines.as_mut().unwrap().push(record.args().to_string()));
        }
    }

    fn flush(&self) {}
}

/// What Wasmtime says on this thread while this runs.
pub fn listened<R>(run: impl FnOnce() -> R) -> (R, Vec<String>) {
    static LISTENS: OnceLock<()> = OnceLock::new();
    LISTENS.get_or_init(|| {
        log::set_logger(&Listener).expect("nobody else logs in tests");
        log::set_max_level(log::LevelFilter::Trace);
    });
    LINES.set(Some(Vec::new()));
    let ran = run();
    (ran, LINES.take().unwrap())
}

/// Whether one is reading or writing at an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Copies {
    Reads,
    Writes,
}

/// A call of a built-in that Wasmtime tells of before it does it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Did {
    /// `waitable-set.new`, and the index that it has got.
    NewSet(u32),
    DropSet(u32),
    /// A waitable and a set; 0 for none.
    Join(u32, u32),
    DropSubtask(u32),
    /// `task.return` or `task.cancel`.
    Ended,
    /// A read or write at an end, of so many values.
    Copy(Copies, u32, u64),
}

/// Where a task is that has given its stack back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Waits {
    AtSet(u32),
    Yields,
}

/// What there is at a moment, without who has it: indices of instances look alike.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct There {
    /// Waitable sets with their members.
    pub sets: Vec<(u32, Vec<u32>)>,
    /// Tasks that wait for their callback to be called, and whether they have returned.
    pub waiting: Vec<(Waits, bool)>,
    /// Reads and writes that go on, of ends that are in sets.
    pub copying: Vec<(u32, Copies, u64)>,
    /// Subtasks that are in sets, and whether their callers were told that they have returned.
    pub subtasks: Vec<(u32, bool)>,
}

/// Between the name of a task that is gone and the index of its subtask.
const OUTLIVES: &str = ", once at ";

/// Follows Wasmtime's lines. Names are Wasmtime's own, such as `HostTask(4)`; it gives them again.
#[derive(Default)]
struct Account {
    /// Sets that guests made: their indices.
    sets: BTreeMap<String, u32>,
    /// The index that a waitable has where it is held.
    handles: BTreeMap<String, u32>,
    /// The set that a waitable is in.
    joined: BTreeMap<String, String>,
    /// Tasks whose callback is to be called.
    waiting: BTreeMap<String, Waits>,
    returned: BTreeSet<String>,
    copying: BTreeMap<String, (Copies, u64)>,
    /// Subtasks of which the caller was told that they have ended.
    told: BTreeSet<String>,
    /// The end whose copy is being cancelled.
    cancels: Option<String>,
    /// The latest read or write, until its result is told.
    begins: Option<(Copies, u64)>,
}

/// Each call of a built-in with what there was when it was made.
pub fn account(lines: &[String]) -> Vec<(Did, There)> {
    let mut account = Account::default();
    let (mut all, mut skipped) = (Vec::new(), usize::MAX);
    for (at, line) in lines.iter().enumerate() {
        // A subtask that is dropped is taken out of its set first.
        let drops = (line.ends_with(" join set None (handle 0)")).then(|| dropped_at(lines, at));
        if let Some(until) = drops.flatten() {
            let dropped = handle(line).expect("an index");
            all.push((Did::DropSubtask(dropped), account.there()));
            skipped = until;
        } else if let Some(did) = account.calls(line).filter(|_| at != skipped) {
            all.push((did, account.there()));
        }
        account.goes_on(line);
    }
    all
}

/// The line that tells that what is taken out of its set here is dropped.
fn dropped_at(lines: &[String], at: usize) -> Option<usize> {
    let mut after = (at + 1..lines.len()).skip_while(|next| !lines[*next].contains("(handle "));
    let next = after.next()?;
    let is_it =
        lines[next].starts_with("subtask_drop ") && handle(&lines[next]) == handle(&lines[at]);
    is_it.then_some(next)
}

/// The words between two others.
fn between<'a>(line: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = line.split_once(before)?;
    Some(rest.split_once(after)?.0)
}

/// The index that is told as `(handle 3)`, the first or the last of a line.
fn handle(line: &str) -> Option<u32> {
    between(line, "(handle ", ")")?.parse().ok()
}

/// The task of `QualifiedThreadId(0, 2)`, as events name it.
fn task(line: &str, before: &str) -> Option<String> {
    let thread = between(line, &format!("{before}QualifiedThreadId("), ",")?;
    Some(format!("GuestTask({thread})"))
}

impl Account {
    /// What a line tells of that a guest does.
    fn calls(&mut self, line: &str) -> Option<Did> {
        if line.starts_with("new waitable set ") {
            return Some(Did::NewSet(handle(line)?));
        }
        if line.starts_with("drop waitable set ") {
            return Some(Did::DropSet(handle(line)?));
        }
        if line.starts_with("waitable ") && line.contains("(handle ") {
            let (waitable, set) = line.split_once(" join set ")?;
            return Some(Did::Join(handle(waitable)?, handle(set)?));
        }
        if line.starts_with("subtask_drop ") {
            return Some(Did::DropSubtask(handle(line)?));
        }
        if line.starts_with("task.return for ") || line.starts_with("task.cancel for ") {
            return Some(Did::Ended);
        }
        for (word, copies) in [
            ("guest_read ", Copies::Reads),
            ("guest_write ", Copies::Writes),
        ] {
            let rest = line
                .strip_prefix(word)
                .filter(|rest| !rest.starts_with("result "));
            if let Some(rest) = rest {
                let count = rest.split(' ').next()?.parse().ok()?;
                let end = between(rest, "(handle ", ";")?.parse().ok()?;
                self.begins = Some((copies, count));
                return Some(Did::Copy(copies, end, count));
            }
        }
        None
    }

    fn goes_on(&mut self, line: &str) {
        if let Some(rest) = line.strip_prefix("new waitable set ") {
            let (name, index) = (rest.split(' ').next().unwrap(), handle(line).unwrap());
            self.sets.insert(name.to_owned(), index);
        } else if let Some(rest) = line.strip_prefix("drop waitable set ") {
            let number = rest.split(' ').next().unwrap();
            self.sets.remove(&format!("WaitableSet({number})"));
        } else if let Some(rest) = line
            .strip_prefix("waitable ")
            .filter(|r| r.contains(" join set "))
        {
            let (name, set) = rest.split_once(" join set ").unwrap();
            if let Some((name, _)) = name.split_once(" (handle") {
                self.handles.insert(name.to_owned(), handle(line).unwrap());
            } else if set == "None" {
                self.joined.remove(name);
            } else {
                let set = between(set, "Some(", "))").map(|set| format!("{set})"));
                self.joined.insert(name.to_owned(), set.unwrap());
            }
        } else if let Some(rest) = line.strip_prefix("subtask_drop ") {
            let (name, index) = (rest.split(' ').next().unwrap(), handle(line));
            let gone = self.handles.iter().find(|(of, at)| {
                let outlives = of
                    .strip_prefix(name)
                    .is_some_and(|rest| rest.starts_with(OUTLIVES));
                outlives && Some(**at) == index
            });
            let gone = gone.map_or(name.to_owned(), |(of, _)| of.clone());
            self.forget(&gone);
        } else if line.starts_with("assign ") {
            let name = between(line, "assign ", " ").unwrap();
            self.forget(name);
        } else if let Some(name) = line.strip_prefix("delete guest task ") {
            self.outlive(name);
            self.waiting.remove(name);
            self.returned.remove(name);
        } else if line.starts_with("task.return for ") || line.starts_with("task.cancel for ") {
            self.returned.extend(task(line, " for "));
        } else if line.starts_with("received callback code from ") {
            let task = task(line, " from ").unwrap();
            let code: u32 = between(line, "): ", " (set").unwrap().parse().unwrap();
            let set = between(line, "(set: ", ")").unwrap().parse().unwrap();
            match code {
                1 => self.waiting.insert(task, Waits::Yields),
                2 => self.waiting.insert(task, Waits::AtSet(set)),
                _ => self.waiting.remove(&task),
            };
        } else if line.starts_with("use callback to deliver event ") {
            self.waiting.remove(&task(line, " to ").unwrap());
        } else if line.starts_with("stackless call: replaced ") {
            let task = task(line, " with ").unwrap();
            self.waiting.remove(&task);
            self.returned.remove(&task);
        } else if let Some(rest) = line.strip_prefix("deliver event ") {
            // Events that are of nobody, such as that a task is to end, have no waitable.
            let Some(name) = between(rest, " for ", " (handle") else {
                return;
            };
            if rest.starts_with("Subtask") {
                if !rest.starts_with("Subtask { status: Started") {
                    self.told.insert(name.to_owned());
                }
            } else {
                self.copying.remove(name);
            }
        } else if line.starts_with("guest_read result ") || line.starts_with("guest_write result ")
        {
            let name = between(line, " for ", " (handle").unwrap();
            let index = between(line, "(handle ", ";").unwrap().parse().unwrap();
            self.handles.insert(name.to_owned(), index);
            if line.ends_with(": Blocked") {
                self.copying.insert(name.to_owned(), self.begins.unwrap());
            }
        } else if line.starts_with("guest cancel ") {
            self.cancels = ["read ", "write "]
                .iter()
                .find_map(|word| between(line, word, " (handle"))
                .map(str::to_owned);
        } else if line.starts_with("cancelled read ") || line.starts_with("cancelled write ") {
            if !line.ends_with(": Blocked")
                && let Some(name) = self.cancels.take()
            {
                self.copying.remove(&name);
            }
        } else if let Some(name) = line.strip_prefix("guest_drop_readable: drop reader ") {
            self.forget(name);
        } else if let Some(name) = line.strip_prefix("guest_drop_writable: drop writer ") {
            self.forget(name);
        } else if line.starts_with("new transmit: ") {
            for word in ["write ", "read "] {
                let name = line
                    .split(word)
                    .nth(1)
                    .and_then(|rest| rest.split(';').next());
                self.forget(name.unwrap());
            }
        }
    }

    /// A task is gone, but its caller still has the subtask: its name may come again.
    fn outlive(&mut self, name: &str) {
        let Some(index) = self.handles.remove(name) else {
            return self.forget(name);
        };
        let after = format!("{name}{OUTLIVES}{index}");
        if self.told.remove(name) {
            self.told.insert(after.clone());
        }
        if let Some(set) = self.joined.remove(name) {
            self.joined.insert(after.clone(), set);
        }
        self.handles.insert(after, index);
    }

    /// A name is given to something else, or to nothing.
    fn forget(&mut self, name: &str) {
        self.handles.remove(name);
        self.joined.remove(name);
        self.copying.remove(name);
        self.told.remove(name);
    }

    fn there(&self) -> There {
        let index = |name: &String| self.handles.get(name).copied();
        let members = || {
            self.joined
                .iter()
                .filter(|(_, set)| self.sets.contains_key(*set))
        };
        let mut there = There::default();
        for (set, number) in &self.sets {
            let of = members().filter(|(_, of)| *of == set);
            let mut of: Vec<u32> = of.filter_map(|(name, _)| index(name)).collect();
            of.sort_unstable();
            there.sets.push((*number, of));
        }
        for (task, waits) in &self.waiting {
            there.waiting.push((*waits, self.returned.contains(task)));
        }
        for (name, _) in members() {
            if name.starts_with("TransmitHandle(") {
                let copying = self.copying.get(name).zip(index(name));
                there
                    .copying
                    .extend(copying.map(|((copies, count), index)| (index, *copies, *count)));
            } else if let Some(index) = index(name) {
                there.subtasks.push((index, self.told.contains(name)));
            }
        }
        there.sorted()
    }
}

impl There {
    pub fn sorted(mut self) -> There {
        self.sets.sort_unstable();
        self.waiting.sort_unstable();
        self.copying.sort_unstable();
        self.subtasks.sort_unstable();
        self
    }
}
