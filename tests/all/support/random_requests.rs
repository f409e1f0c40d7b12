//! Requests as chance has them: right ones, odd ones and wrong ones.

use serde_json::{Map, Value, json};

/// Numbers that are the same for the same seed (SplitMix64).
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    pub fn chance(&mut self, percent: u64) -> bool {
        self.next() % 100 < percent
    }

    pub fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }

    /// One of these, or something else where there are none.
    fn known<T: Clone>(&mut self, of: &[T], otherwise: T) -> T {
        match of.is_empty() {
            true => otherwise,
            false => self.pick(of),
        }
    }

    fn maybe(&mut self, percent: u64, object: &mut Value, key: &str, value: Value) {
        if self.chance(percent) {
            object[key] = value;
        }
    }
}

/// What a client has been told, and can ask about.
#[derive(Default)]
pub struct Known {
    /// Arguments that `launch` takes.
    launches: Vec<Value>,
    /// Source files.
    paths: Vec<String>,
    frames: Vec<i64>,
    values: Vec<i64>,
    texts: Vec<i64>,
    locations: Vec<i64>,
    targets: Vec<i64>,
    memory: Vec<String>,
    code: Vec<String>,
    positions: Vec<String>,
    data: Vec<String>,
    progress: Vec<String>,
    marks: Vec<String>,
    /// The number of the last request.
    pub asked: i64,
}

/// What was told long ago is not asked about.
fn remember<T: PartialEq>(list: &mut Vec<T>, new: T) {
    const MOST: usize = 40;
    if !list.contains(&new) {
        list.push(new);
    }
    if list.len() > MOST {
        list.remove(0);
    }
}

impl Known {
    pub fn of(launches: Vec<Value>, paths: &[&str]) -> Known {
        Known {
            launches,
            paths: paths.iter().map(|&path| path.to_owned()).collect(),
            ..Known::default()
        }
    }

    /// Frames are of one stop; variables and instructions may be of the next one, too.
    pub fn forget_the_moment(&mut self) {
        self.frames.clear();
        for numbers in [&mut self.values, &mut self.locations] {
            numbers.drain(..numbers.len().saturating_sub(3));
        }
    }

    /// Learns of a message.
    pub fn learn(&mut self, told: &Value) {
        match told {
            Value::Array(items) => items.iter().for_each(|item| self.learn(item)),
            Value::Object(fields) => {
                for (key, value) in fields {
                    self.field(key, value, fields);
                    self.learn(value);
                }
            }
            _ => {}
        }
    }

    fn field(&mut self, key: &str, value: &Value, among: &Map<String, Value>) {
        if let Some(number) = value.as_i64() {
            match key {
                "id" if among.contains_key("instructionPointerReference") => {
                    remember(&mut self.frames, number);
                }
                "id" if among.contains_key("label") => remember(&mut self.targets, number),
                "variablesReference" => remember(&mut self.values, number),
                "sourceReference" => remember(&mut self.texts, number),
                "declarationLocationReference" => remember(&mut self.locations, number),
                _ => {}
            }
        }
        if let Some(text) = value.as_str() {
            let list = match key {
                "instructionPointerReference" | "address" => &mut self.code,
                "memoryReference" => &mut self.memory,
                "position" => &mut self.positions,
                "dataId" => &mut self.data,
                "progressId" => &mut self.progress,
                "path" => &mut self.paths,
                "name" if among.contains_key("moment") => &mut self.marks,
                _ => return,
            };
            remember(list, text.to_owned());
        }
    }

    /// Arguments that make sense, if anything does.
    pub fn right(&self, command: &str, random: &mut Random) -> Value {
        match command {
            "initialize" => features(random),
            "launch" => random.pick(&self.launches),
            "attach" => json!({ "stopOnEntry": true }),
            "terminate" | "restart" | "configurationDone" | "threads" | "loadedSources"
            | "modules" | "rr/when" | "rr/marks" => random.pick(&[Value::Null, json!({})]),
            "disconnect" => random.pick(&[Value::Null, json!({ "restart": false })]),
            "cancel" => self.cancelled(random),
            "setBreakpoints"
            | "setFunctionBreakpoints"
            | "setInstructionBreakpoints"
            | "setExceptionBreakpoints"
            | "setDataBreakpoints" => self.breakpoints(command, random),
            "breakpointLocations" => {
                let from = random.below(80) as i64;
                let mut wanted = json!({ "source": self.source(random), "line": from });
                random.maybe(60, &mut wanted, "endLine", json!(from + 20));
                wanted
            }
            "stackTrace" => {
                let mut wanted = json!({ "threadId": 1 });
                random.maybe(50, &mut wanted, "startFrame", json!(0));
                random.maybe(50, &mut wanted, "levels", json!(20));
                wanted
            }
            "scopes" | "stepInTargets" | "restartFrame" => {
                json!({ "frameId": random.known(&self.frames, 1) })
            }
            "variables" => self.unfolded(random),
            "setVariable" => {
                json!({ "variablesReference": random.known(&self.values, 1), "name": "x", "value": "1" })
            }
            "setExpression" => json!({ "expression": "x", "value": "1" }),
            "writeMemory" => json!({ "memoryReference": self.memory(random), "data": "AAAA" }),
            "locations" => json!({ "locationReference": random.known(&self.locations, 1) }),
            "evaluate" => self.evaluated(random),
            "completions" => {
                let text = random.pick(&["", "rr", "rr se", "back", "host", "sé🦀ek ", "nothing"]);
                json!({ "text": text, "column": 1 + random.below(text.len() + 1) })
            }
            "source" => {
                let number = random.known(&self.texts, 1);
                json!({ "sourceReference": number, "source": { "sourceReference": number } })
            }
            "disassemble" => {
                let code = random.known(&self.code, "0x0".into());
                let offset = random.pick(&[0, -20, 20]);
                json!({ "memoryReference": code, "instructionOffset": offset,
                        "instructionCount": 1 + random.below(50), "resolveSymbols": true })
            }
            "readMemory" => {
                json!({ "memoryReference": self.memory(random), "count": random.below(200) })
            }
            "dataBreakpointInfo" => {
                json!({ "variablesReference": random.known(&self.values, 1),
                        "name": random.pick(&["transfer", "number", "n", "buf", "pts"]) })
            }
            "gotoTargets" => json!({ "source": self.source(random), "line": random.below(90) }),
            "goto" => json!({ "threadId": 1, "targetId": random.known(&self.targets, 1) }),
            own if own.starts_with("rr/") => self.own(own, random),
            // What moves, and what there may be some day.
            _ => {
                let mut wanted = json!({ "threadId": 1 });
                let granularity = random.pick(&["line", "statement", "instruction"]);
                random.maybe(40, &mut wanted, "granularity", json!(granularity));
                wanted
            }
        }
    }

    fn source(&self, random: &mut Random) -> Value {
        json!({ "path": random.known(&self.paths, "/none.c".into()) })
    }

    fn memory(&self, random: &mut Random) -> String {
        random.known(&self.memory, "0x400".into())
    }

    fn cancelled(&self, random: &mut Random) -> Value {
        match random.chance(70) {
            true => json!({ "requestId": self.asked }),
            false => json!({ "progressId": random.known(&self.progress, "opening".into()) }),
        }
    }

    fn breakpoints(&self, command: &str, random: &mut Random) -> Value {
        let mut wanted = Vec::new();
        for _ in 0..random.below(4) {
            let mut one = match command {
                "setBreakpoints" => json!({ "line": 1 + random.below(90) }),
                "setFunctionBreakpoints" => {
                    let names = ["main", "apply", "fib", "wasi:io/*", "write", "no_such"];
                    json!({ "name": random.pick(&names) })
                }
                "setInstructionBreakpoints" => {
                    json!({ "instructionReference": random.known(&self.code, "0x10".into()) })
                }
                "setDataBreakpoints" => {
                    json!({ "dataId": random.known(&self.data, "x".into()), "accessType": "write" })
                }
                _ => json!({ "filterId": random.pick(&FILTERS) }),
            };
            let conditions = [
                "n == 15",
                "number > 3 && number % 2 == 0",
                "$event > 20",
                "(",
                "write",
            ];
            let condition = random.pick(&conditions);
            random.maybe(40, &mut one, "condition", json!(condition));
            if command != "setExceptionBreakpoints" {
                let hits = random.pick(&["3", ">= 2", "% 2", "many"]);
                random.maybe(20, &mut one, "hitCondition", json!(hits));
            }
            if command == "setBreakpoints" {
                random.maybe(
                    20,
                    &mut one,
                    "logMessage",
                    json!("at {$event}: {n + 1} {nothing}"),
                );
            }
            wanted.push(one);
        }
        match command {
            "setBreakpoints" => json!({ "source": self.source(random), "breakpoints": wanted }),
            "setExceptionBreakpoints" => {
                json!({ "filters": [random.pick(&FILTERS)], "filterOptions": wanted })
            }
            _ => json!({ "breakpoints": wanted }),
        }
    }

    fn unfolded(&self, random: &mut Random) -> Value {
        let mut wanted = json!({ "variablesReference": random.known(&self.values, 1) });
        random.maybe(20, &mut wanted, "start", json!(1));
        random.maybe(20, &mut wanted, "count", json!(3));
        random.maybe(10, &mut wanted, "filter", json!("indexed"));
        random.maybe(20, &mut wanted, "format", json!({ "hex": true }));
        wanted
    }

    fn evaluated(&self, random: &mut Random) -> Value {
        const COMMANDS: &[&str] = &[
            "when",
            "rr when",
            "rr where",
            "seek start",
            "seek end",
            "seek 40%",
            "seek +3",
            "seek -2",
            "seek 5",
            "seek tick 100",
            "seek a",
            "mark a",
            "mark",
            "marks",
            "unmark a",
            "ptype account",
            "whatis struct account",
            "functions *main*",
            "hostcalls",
            "hostcalls failed",
            "back in",
            "back out",
            "back instruction",
            "hostcall next",
            "hostcall prev write",
            "hostcall over",
            "hostcall back",
            "hostcall over --result",
            "hostcall back --result",
            "hostcall next --builtins",
            "hostcalls --builtins failed",
            "resources",
            "rr help",
            "rr nonsense",
        ];
        const EXPRESSIONS: &[&str] = &[
            "n + 1",
            "transfer->amount * 2 - 1",
            "accounts[0].balance",
            "accounts",
            "$event",
            "$result",
            "$mem[0x400; 16]",
            "pts[1].x",
            "1 / 0",
            "((((",
            "",
            "argc",
            "$local0",
        ];
        let (line, context) = match random.chance(60) {
            true => (random.pick(COMMANDS), "repl"),
            false => (
                random.pick(EXPRESSIONS),
                random.pick(&["repl", "watch", "hover", "clipboard"]),
            ),
        };
        let mut wanted = json!({ "expression": line });
        random.maybe(95, &mut wanted, "context", json!(context));
        let frame = random.known(&self.frames, 1);
        random.maybe(60, &mut wanted, "frameId", json!(frame));
        wanted
    }

    fn own(&self, command: &str, random: &mut Random) -> Value {
        match command {
            "rr/seek" => match random.below(8) {
                6 => json!({ "moment": random.pick(&["hello:3", "2:40%", "7", "nobody:1"]) }),
                7 => {
                    json!({ "part": random.below(101) as f64 / 100.0, "threadId": 1 + random.below(2) })
                }
                0 => json!({ "to": random.pick(&["start", "entry", "end"]) }),
                1 => json!({ "event": random.below(40) }),
                2 => json!({ "tick": random.below(20_000) }),
                3 => json!({ "percent": random.below(101) }),
                4 => json!({ "position": random.known(&self.positions, "1:1:0x1".into()) }),
                _ => json!({ "mark": random.pick(&["a", "1", "nothing"]) }),
            },
            "rr/step" => {
                let mut wanted = json!({
                    "direction": random.pick(&["forward", "backward"]),
                    "unit": random.pick(&["line", "instruction", "hostcall"]),
                    "kind": random.pick(&["into", "over", "out"]),
                });
                random.maybe(20, &mut wanted, "filter", json!("*write*"));
                random.maybe(20, &mut wanted, "failed", json!(true));
                random.maybe(20, &mut wanted, "builtins", json!(true));
                random.maybe(20, &mut wanted, "result", json!(true));
                wanted
            }
            "rr/ask" => {
                let question = random.pick(&[
                    "why",
                    "calls main",
                    "calls *write* --limit 2",
                    "hottest",
                    "leaks",
                    "memory",
                    "origin x",
                    "values 1 at main",
                    "visits nothing.c:3",
                    "writes $mem[16; 4] --limit 2",
                    "nonsense",
                ]);
                json!({ "question": question })
            }
            "rr/mark" => random.pick(&[json!({ "name": "a" }), json!({})]),
            "rr/unmark" => json!({ "name": random.known(&self.marks, "a".into()) }),
            "rr/functions" => random.pick(&[json!({}), json!({ "filter": "ma*", "count": 3 })]),
            "rr/hostcalls" => json!({ "filter": "wasi", "from": random.below(30), "count": 10 }),
            "rr/system" => json!({ "buckets": random.below(300) }),
            "rr/messages" => random.pick(&[
                json!({ "filter": "hello", "around": true }),
                json!({ "from": 3, "count": 10 }),
                json!({ "between": [0.2, 0.4], "count": 2 }),
            ]),
            "rr/follow" => json!({
                "direction": random.pick(&["forward", "backward"]),
                "threadId": 1 + random.below(2),
            }),
            "rr/goMessage" => json!({
                "number": random.below(5),
                "end": random.pick(&["sent", "received"]),
            }),
            "rr/timeline" => json!({ "buckets": 1 + random.below(300) }),
            "rr/whoWrote" => json!({ "memoryReference": self.memory(random), "count": 4 }),
            _ => random.pick(&[json!({}), json!({ "at": "end" }), json!({ "upTo": "end" })]),
        }
    }
}

const FILTERS: [&str; 6] = [
    "trap",
    "throw",
    "failedHostcall",
    "hostcall",
    "handleCreated",
    "handleDropped",
];

fn features(random: &mut Random) -> Value {
    let mut features = json!({ "adapterID": "rr-dap", "clientID": "chance", "pathFormat": "path" });
    for feature in [
        "linesStartAt1",
        "columnsStartAt1",
        "supportsVariableType",
        "supportsProgressReporting",
        "supportsMemoryReferences",
        "supportsInvalidatedEvent",
    ] {
        let value = random.chance(70);
        random.maybe(80, &mut features, feature, json!(value));
    }
    features
}

/// The same arguments with something odd or wrong in them.
pub fn spoilt(arguments: &Value, random: &mut Random) -> Value {
    if random.chance(15) {
        let whole = [
            json!(3),
            json!([]),
            Value::Null,
            json!("x"),
            json!({}),
            json!(true),
        ];
        return random.pick(&whole);
    }
    let mut spoilt = arguments.clone();
    spoil(&mut spoilt, random);
    spoilt
}

fn spoil(value: &mut Value, random: &mut Random) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            let keys: Vec<String> = fields.keys().cloned().collect();
            let key = random.pick(&keys);
            match random.chance(15) {
                true => drop(fields.remove(&key)),
                false => spoil(&mut fields[&key], random),
            }
        }
        Value::Array(items) if !items.is_empty() && random.chance(80) => {
            let nth = random.below(items.len());
            spoil(&mut items[nth], random);
        }
        other => *other = odd(other, random),
    }
}

fn odd(value: &Value, random: &mut Random) -> Value {
    if random.chance(30) {
        let others = [
            Value::Null,
            json!({}),
            json!([[]]),
            json!("?"),
            json!(1),
            json!(false),
        ];
        return random.pick(&others);
    }
    match value {
        Value::Number(_) => random.pick(&[
            json!(0),
            json!(-1),
            json!(i64::MAX),
            json!(i64::MIN),
            json!(u64::MAX),
            json!(1.5),
            json!(-1e300),
            json!(1_i64 << 31),
            json!(1_i64 << 32),
            json!(1_000_000_000),
        ]),
        Value::String(_) => {
            let long = "x".repeat(20_000);
            let nested = "(".repeat(5_000);
            let texts = [
                "",
                "\u{0}",
                "☃\u{202e}",
                "../..",
                "0x",
                "-1",
                "{",
                "1:2:0x3",
                "0xffffffffffffffff",
                &long,
                &nested,
            ];
            json!(random.pick(&texts))
        }
        Value::Bool(is) => json!(!is),
        Value::Array(items) => {
            let items = items.iter().cycle().take(items.len() * 100);
            Value::Array(items.cloned().collect())
        }
        _ => json!({}),
    }
}

/// A message that is none, and the number that its answer must have, if it must have one.
pub fn malformed(seq: i64, random: &mut Random) -> (String, Option<i64>) {
    match random.below(8) {
        0 => ("{\"seq\":".into(), None),
        1 => ("[".repeat(3_000), None),
        2 => ("null".into(), None),
        3 => ("\u{feff}{}".into(), None),
        4 => (
            json!({ "seq": seq, "type": "request" }).to_string(),
            Some(seq),
        ),
        5 => (
            json!({ "seq": seq, "type": "hello", "command": "next" }).to_string(),
            Some(seq),
        ),
        6 => (
            json!({ "seq": -seq, "type": "request", "command": "next" }).to_string(),
            None,
        ),
        _ => {
            let answer = json!({ "seq": seq, "type": "response", "request_seq": 1, "success": true, "command": "x" });
            (answer.to_string(), None)
        }
    }
}
