//! A client that says anything, and checks all that it hears.

use super::client::validate;
use super::processes::PATIENCE;
use super::random_requests::{Known, Random, malformed, spoilt};
use rr_dap::dap::protocol::framing::{read_frame, write_frame};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashSet};
use std::io::{BufReader, Read, Write};
use std::sync::mpsc::{Receiver, channel};

/// After these the program moves, and stops some time.
const MOTIONS: [&str; 10] = [
    "configurationDone",
    "restart",
    "continue",
    "reverseContinue",
    "next",
    "stepIn",
    "stepOut",
    "stepBack",
    "goto",
    "restartFrame",
];

/// How far the session is, as its client has been told.
#[derive(Default)]
struct Told {
    greeted: bool,
    opened: bool,
    initialized: bool,
    moving: bool,
    stopped: bool,
    /// Where it stands, the program has failed.
    failed: bool,
    terminated: bool,
    progress: HashSet<String>,
}

/// What has come of a session.
#[derive(Debug, Default)]
pub struct Tally {
    pub stops: usize,
    /// How often each command was done, and refused.
    pub answers: BTreeMap<String, (usize, usize)>,
}

impl Tally {
    pub fn add(&mut self, other: Tally) {
        self.stops += other.stops;
        for (command, (done, refused)) in other.answers {
            let sum = self.answers.entry(command).or_default();
            *sum = (sum.0 + done, sum.1 + refused);
        }
    }
}

/// How a session ends, if nothing that chance says ends it before.
#[derive(Debug, Clone, Copy)]
enum Farewell {
    Disconnect,
    TerminateAndDisconnect,
    /// Nothing more is said, but all is heard.
    FallSilent,
    Vanish,
    /// What no frame begins with.
    Garbage,
}

pub struct RandomClient {
    seed: u64,
    random: Random,
    known: Known,
    writer: Option<Box<dyn Write + Send>>,
    messages: Receiver<Vec<u8>>,
    last_seq: i64,
    heard: i64,
    unanswered: BTreeMap<i64, String>,
    told: Told,
    tally: Tally,
    /// The last answer was not a refusal.
    last_success: bool,
    /// A disconnect has been sent.
    leaving: bool,
    log: Vec<String>,
}

impl Drop for RandomClient {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let from = self.log.len().saturating_sub(40);
            eprintln!(
                "seed {}; the last messages:\n{}",
                self.seed,
                self.log[from..].join("\n")
            );
        }
    }
}

impl RandomClient {
    pub fn new(
        seed: u64,
        reader: impl Read + Send + 'static,
        writer: Box<dyn Write + Send>,
        known: Known,
    ) -> Self {
        let (heard, messages) = channel();
        std::thread::spawn(move || {
            let mut reader = BufReader::new(reader);
            while let Ok(Some(body)) = read_frame(&mut reader) {
                if heard.send(body).is_err() {
                    break;
                }
            }
        });
        Self {
            seed,
            random: Random(seed),
            known,
            writer: Some(writer),
            messages,
            last_seq: 0,
            heard: 0,
            unanswered: BTreeMap::new(),
            told: Told::default(),
            tally: Tally::default(),
            last_success: false,
            leaving: false,
            log: Vec::new(),
        }
    }

    /// A whole session of about so many requests.
    pub fn run(mut self, requests: usize) -> Tally {
        let commands: Vec<&str> = rr_dap::dap::session::commands().collect();
        while self.random.chance(25) {
            self.something(&commands);
        }
        self.ask("initialize");
        // Some clients wait for each answer, some hardly ever do.
        let patience = self.random.pick(&[20, 60, 90]);
        for _ in 0..requests {
            if self.leaving || (self.told.terminated && self.random.chance(10)) {
                break;
            }
            self.begin_sometime();
            self.something(&commands);
            if self.random.chance(patience) {
                self.wait_for_answers();
                if self.random.chance(80) {
                    self.wait_for_stop();
                    self.look_around();
                }
            }
        }
        self.end();
        std::mem::take(&mut self.tally)
    }

    /// Chance alone would seldom open anything.
    fn begin_sometime(&mut self) {
        if !self.told.opened && !self.is_opening() && self.random.chance(50) {
            let command = self.random.pick(&["launch", "launch", "attach"]);
            self.ask(command);
        } else if self.told.opened
            && !self.told.moving
            && !self.told.stopped
            && self.random.chance(30)
        {
            self.ask("configurationDone");
        }
    }

    fn is_opening(&self) -> bool {
        self.unanswered.values().any(|asked| opens(asked))
    }

    fn something(&mut self, commands: &[&str]) {
        match self.random.below(100) {
            0..5 => self.nonsense(),
            5..11 => self.ask("pause"),
            11..15 => self.ask("cancel"),
            _ => {
                let command = self.random.pick(commands);
                let ends = matches!(command, "disconnect" | "terminate");
                if ends && !self.random.chance(15) {
                    return;
                }
                let right = self.known.right(command, &mut self.random);
                let arguments = match self.random.chance(35) {
                    true => spoilt(&right, &mut self.random),
                    false => right,
                };
                self.send(command, arguments);
            }
        }
        self.take_what_is_there();
    }

    fn ask(&mut self, command: &str) {
        let arguments = self.known.right(command, &mut self.random);
        self.send(command, arguments);
    }

    fn send(&mut self, command: &str, arguments: Value) {
        self.last_seq += 1;
        let mut request = json!({ "seq": self.last_seq, "type": "request", "command": command });
        if !arguments.is_null() || self.random.chance(10) {
            request["arguments"] = arguments;
        }
        self.unanswered.insert(self.last_seq, command.to_owned());
        self.known.asked = self.last_seq;
        self.leaving |= command == "disconnect";
        self.frame(&request.to_string());
    }

    /// A message that is none, in a sound frame.
    fn nonsense(&mut self) {
        self.last_seq += 1;
        let (text, answered) = malformed(self.last_seq, &mut self.random);
        if let Some(seq) = answered {
            let message: Value = serde_json::from_str(&text).unwrap();
            let command = message["command"].as_str().unwrap_or_default();
            self.unanswered.insert(seq, command.to_owned());
        }
        self.frame(&text);
    }

    fn frame(&mut self, text: &str) {
        self.log.push(format!("> {}", shortened(text)));
        let writer = self.writer.as_mut().expect("not gone yet");
        // A server that has ended is found out by what is not heard.
        _ = write_frame(writer, text.as_bytes());
    }

    fn take_what_is_there(&mut self) {
        while let Ok(body) = self.messages.try_recv() {
            self.hear(&body);
        }
    }

    /// The next message; false at the end.
    fn listen(&mut self) -> bool {
        match self.messages.recv_timeout(PATIENCE) {
            Ok(body) => {
                self.hear(&body);
                true
            }
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => false,
            Err(_) => panic!("nothing is heard; unanswered: {:?}", self.unanswered),
        }
    }

    fn wait_for_answers(&mut self) {
        while !self.unanswered.is_empty() && self.listen() {}
    }

    fn wait_for_stop(&mut self) {
        while self.told.moving && !self.told.terminated && self.listen() {}
    }

    /// What stands still can be asked.
    fn look_around(&mut self) {
        // Answered after all that came before: a motion that no answer tells of, too.
        if !self.told.opened || self.leaving || !self.is_told("threads") {
            return;
        }
        self.wait_for_stop();
        if !self.told.stopped {
            return;
        }
        for command in ["stackTrace", "rr/when"] {
            assert!(self.is_told(command), "{command} is refused");
        }
        // What is found is what later requests are about.
        for command in ["scopes", "variables", "variables"] {
            if self.random.chance(60) {
                self.ask(command);
                self.wait_for_answers();
            }
        }
        if self.told.failed {
            self.ask("exceptionInfo");
            self.wait_for_answers();
        }
        // What chance alone would hardly ever have done: how often depends on how fast the
        // machine is.
        for commands in [
            &["gotoTargets", "goto"][..],
            &["rr/mark", "rr/unmark"],
            &["evaluate"],
            &["source"],
            &["rr/step"],
        ] {
            if self.random.chance(7) {
                for command in commands {
                    self.ask(command);
                    self.wait_for_answers();
                }
                self.wait_for_stop();
            }
        }
    }

    /// Asks and waits; whether it was done.
    fn is_told(&mut self, command: &str) -> bool {
        self.send(command, json!({ "threadId": 1 }));
        let asked = self.last_seq;
        while self.unanswered.contains_key(&asked) {
            assert!(
                self.listen(),
                "the session ended before {command} was answered"
            );
        }
        self.last_success
    }

    fn hear(&mut self, body: &[u8]) {
        let text = String::from_utf8_lossy(body);
        self.log.push(format!("< {}", shortened(&text)));
        let message: Value = serde_json::from_slice(body).expect("JSON");
        validate(&message);
        self.heard += 1;
        assert_eq!(message["seq"], json!(self.heard), "numbers have no gaps");
        match message["type"].as_str() {
            Some("response") => self.response(&message),
            Some("event") => self.event(&message),
            _ => panic!("{message}"),
        }
        self.known.learn(&message["body"]);
    }

    fn response(&mut self, message: &Value) {
        let seq = message["request_seq"].as_i64().expect("a number");
        let Some(command) = self.unanswered.remove(&seq) else {
            panic!("an answer to what is answered, or was not asked: {message}");
        };
        assert_eq!(message["command"], json!(command));
        self.last_success = message["success"] == json!(true);
        let answers = self.tally.answers.entry(command.clone()).or_default();
        match self.last_success {
            true => answers.0 += 1,
            false => answers.1 += 1,
        }
        if message["success"] != json!(true) {
            // What was told to begin when it is open will not.
            self.told.moving &= !opens(&command) || self.told.opened || self.is_opening();
            return;
        }
        match command.as_str() {
            "initialize" => self.told.greeted = true,
            opening if opens(opening) => self.told.opened = true,
            motion if MOTIONS.contains(&motion) => self.told.moving = true,
            _ => {}
        }
    }

    fn event(&mut self, message: &Value) {
        let told = &mut self.told;
        let progress = || {
            message["body"]["progressId"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        };
        match message["event"].as_str().unwrap_or_default() {
            "initialized" => {
                assert!(
                    told.greeted && told.opened && !told.initialized,
                    "{message}"
                );
                told.initialized = true;
            }
            "continued" => told.moving = true,
            "stopped" => {
                assert!(told.moving && !told.terminated, "{message}");
                told.moving = false;
                told.stopped = true;
                told.failed = message["body"]["reason"] == "exception";
                self.tally.stops += 1;
                self.known.forget_the_moment();
            }
            "terminated" => {
                assert!(!told.terminated, "ended twice");
                told.terminated = true;
                told.stopped = false;
            }
            "progressStart" => assert!(told.progress.insert(progress()), "{message}"),
            "progressUpdate" => assert!(told.progress.contains(&progress()), "{message}"),
            "progressEnd" => assert!(told.progress.remove(&progress()), "{message}"),
            _ => {}
        }
    }

    fn end(&mut self) {
        if self.leaving {
            return self.hear_all_answers();
        }
        match self.random.pick(&[
            Farewell::Disconnect,
            Farewell::Disconnect,
            Farewell::TerminateAndDisconnect,
            Farewell::FallSilent,
            Farewell::Vanish,
            Farewell::Garbage,
        ]) {
            Farewell::Disconnect => {
                self.ask("disconnect");
                self.hear_all_answers();
            }
            Farewell::TerminateAndDisconnect => {
                self.ask("terminate");
                self.ask("disconnect");
                self.hear_all_answers();
            }
            Farewell::FallSilent => {
                self.writer = None;
                while self.listen() {}
            }
            Farewell::Vanish => self.writer = None,
            Farewell::Garbage => {
                let writer = self.writer.as_mut().expect("not gone yet");
                _ = writer.write_all(b"GET / HTTP/1.1\r\n\r\n");
                _ = writer.flush();
                while self.listen() {}
            }
        }
    }

    /// The server says its last, and owes nothing.
    fn hear_all_answers(&mut self) {
        while self.listen() {}
        assert!(
            self.unanswered.is_empty(),
            "never answered: {:?}",
            self.unanswered
        );
        let progress = &self.told.progress;
        assert!(
            progress.is_empty() || self.told.moving,
            "still shown: {progress:?}"
        );
    }
}

fn opens(command: &str) -> bool {
    matches!(command, "launch" | "attach")
}

fn shortened(text: &str) -> String {
    const SHOWN: usize = 600;
    match text.char_indices().nth(SHOWN) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}
