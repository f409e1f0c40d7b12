//! A client, a gateway and two services, which the gateway asks at once: their order, and a session
//! with all of them.

use crate::support::cache_dir;
use crate::support::client::Client;
use crate::support::random_requests::Random;
use crate::support::server::{Server, recordings};
use crate::support::session::connect;
use crate::support::several::{Line, Recorded, Told, check_left_out, told};
use rr_dap::replay::Compiled;
use rr_dap::replay::variant::{CacheDir, Variant};
use rr_dap::system::clock::WallClock;
use rr_dap::system::conversation::{Conversations, Place};
use rr_dap::system::listening::conversations;
use rr_dap::system::matching::{NodeConversations, match_ends};
use rr_dap::system::message::{Message, Site};
use rr_dap::system::order::{NodeExtent, NodePlace, Order, Relation};
use rr_dap::trace::{HostTimes, Trace};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const NAMES: [&str; 4] = ["client", "gateway", "left", "right"];

/// The recordings of the four, in the order of their names.
fn shop() -> (tempfile::TempDir, Vec<PathBuf>) {
    let dir = tempfile::tempdir().expect("a directory");
    let path = |name: &str| dir.path().join(name);
    let left = Server::start(&path("left"), &["-S", "cli"], "answer.wasm");
    let right = Server::start(&path("right"), &["-S", "cli"], "answers.wasm");
    let gateway = Server::start(&path("gateway"), &[], "gateway.wasm");
    let target = format!(
        "/both?a={}&b={}&path=/slow?ms=30",
        left.address, right.address
    );
    let trace = path("client.rrtrace");
    let authority = gateway.address.to_string();
    let args = [&*authority, &*target];
    let (status, said) = Recorded::start("fetch.wasm", &["-S", "http"], &args, &trace).end();
    assert!(
        status.success() && said.starts_with("status 200\n"),
        "{said}"
    );
    let mut traces = vec![trace];
    for (server, name) in [(gateway, "gateway"), (left, "left"), (right, "right")] {
        let (status, said) = server.end();
        assert!(status.success(), "{said}");
        traces.push(recordings(&path(name)).remove(0));
    }
    (dir, traces)
}

fn named(traces: &[PathBuf]) -> Vec<(&str, &Path)> {
    let paths = traces.iter().map(PathBuf::as_path);
    NAMES.into_iter().zip(paths).collect()
}

struct Heard {
    conversations: Conversations,
    times: HostTimes,
}

fn heard(path: &Path) -> Heard {
    let trace = Arc::new(Trace::open(path).expect("opens"));
    let cache = CacheDir::open(&cache_dir()).expect("a cache");
    let compiled = Compiled::prepare(&trace, &cache, Variant::Fast, &|_, _| {}).expect("compiles");
    Heard {
        conversations: conversations(&trace, &compiled, || true).expect("a replay"),
        times: HostTimes::of(&trace),
    }
}

/// The messages of some recordings, and their order.
fn ordered(traces: &[PathBuf]) -> (Vec<u64>, Vec<Message>, Order) {
    let nodes: Vec<Heard> = traces.iter().map(|path| heard(path)).collect();
    let spoken: Vec<NodeConversations<'_>> = nodes
        .iter()
        .map(|node| NodeConversations {
            name: "",
            conversations: &node.conversations,
            clock: Some(&node.times as &dyn WallClock),
        })
        .collect();
    let messages = match_ends(&spoken).messages().to_vec();
    let extents: Vec<NodeExtent<'_>> = nodes
        .iter()
        .map(|node| NodeExtent {
            events: node.conversations.events,
            clock: Some(&node.times as &dyn WallClock),
        })
        .collect();
    let order = Order::of(&extents, &messages);
    let events = nodes.iter().map(|node| node.conversations.events).collect();
    (events, messages, order)
}

/// Where a message is sent or received; what comes in before the first hostcall is known from that
/// on, as a node knows nothing at its very beginning.
fn place(of: &Site) -> NodePlace {
    NodePlace {
        node: of.end.node,
        place: of.place.max(Place::in_call(0)),
    }
}

#[test]
fn two_that_are_asked_at_once_are_concurrent() {
    let (_dir, traces) = shop();
    let nodes = named(&traces);
    let found = told(&nodes);
    assert!(
        found.outside().is_empty() && found.ambiguous().is_empty(),
        "{:#?}",
        found.all
    );
    let lines = found.messages();
    let ways: Vec<(&str, &str, &str)> = lines
        .iter()
        .filter(|line| line.what != "body")
        .map(|line| (&*line.from, &*line.to, &*line.what))
        .collect();
    for way in [
        ("client", "gateway", "request"),
        ("gateway", "left", "request"),
        ("gateway", "right", "request"),
        ("left", "gateway", "response"),
        ("right", "gateway", "response"),
        ("gateway", "client", "response"),
    ] {
        assert_eq!(
            ways.iter().filter(|of| **of == way).count(),
            1,
            "{way:?} in {ways:?}"
        );
    }
    assert_eq!(ways.len(), 6);
    // Both were sent before the gateway waited for either.
    let sent: Vec<u64> = lines
        .iter()
        .filter(|line| line.from == "gateway" && line.what == "request")
        .map(|line| line.events.0)
        .collect();
    let came = lines
        .iter()
        .filter(|line| line.to == "gateway" && line.what == "response");
    let first = came
        .filter_map(|line| line.events.1)
        .min()
        .expect("answers");
    assert!(sent.iter().all(|sent| *sent < first), "{sent:?} {first}");

    let (_, messages, order) = ordered(&traces);
    let of = |from: u32, to: u32| {
        let found = messages
            .iter()
            .find(|m| m.from.end.node.0 == from && m.to.end.node.0 == to);
        found.expect("a message")
    };
    let (to_left, to_right) = (of(1, 2), of(1, 3));
    assert_eq!(
        order.before(place(&to_left.to), place(&to_right.to)),
        Relation::Concurrent
    );
    let (from_left, from_right) = (of(2, 1), of(3, 1));
    let answers = order.before(place(&from_left.from), place(&from_right.from));
    assert_eq!(answers, Relation::Concurrent);
    // But both are after the client asked, and before it was answered.
    for service in [to_left, to_right] {
        assert_eq!(
            order.before(place(&of(0, 1).from), place(&service.to)),
            Relation::Before
        );
    }
    for service in [from_left, from_right] {
        assert_eq!(
            order.before(place(&service.from), place(&of(1, 0).to)),
            Relation::Before
        );
    }
    check_left_out(&nodes);
}

#[test]
fn the_order_of_the_system_has_all_after_what_they_depend_on() {
    let (_dir, traces) = shop();
    let (events, messages, order) = ordered(&traces);
    assert_eq!(order.contradictions(), []);
    assert!(messages.len() >= 9);
    for message in &messages {
        let (sent, received) = (place(&message.from), place(&message.to));
        assert_eq!(
            order.before(sent, received),
            Relation::Before,
            "{message:?}"
        );
        assert!(
            order.index_of(sent) < order.index_of(received),
            "{message:?}"
        );
    }
    let steps: u64 = events.iter().map(|events| events * 2).sum();
    assert_eq!(order.len(), steps);
    let mut before = order.start();
    for index in 0..=steps {
        let cut = order.cut_at(index);
        assert!(order.is_consistent(&cut), "{index}: {cut:?}");
        let moved = cut.places.iter().zip(&before.places);
        assert!(
            moved.clone().all(|(now, before)| now >= before),
            "{index}: {cut:?}"
        );
        let many = moved.filter(|(now, before)| now != before).count();
        assert_eq!(many, usize::from(index > 0), "{index}: {cut:?}");
        // What was received was sent.
        for message in &messages {
            let at = |site: &Site| cut.places[site.end.node.0 as usize];
            let is_received = at(&message.to) >= place(&message.to).place;
            let is_sent = at(&message.from) >= message.from.place;
            assert!(!is_received || is_sent, "{index}: {message:?}");
        }
        before = cut;
    }
}

fn open(traces: &[PathBuf]) -> Client {
    let mut client = connect();
    client.initialize();
    let nodes: Vec<Value> = named(traces)
        .iter()
        .map(|(name, path)| json!({ "name": name, "path": path }))
        .collect();
    client.ask("launch", json!({ "traces": nodes, "stopAt": "entry" }));
    client.event("initialized");
    client.ask("configurationDone", Value::Null);
    client.event("stopped");
    client
}

/// Of each node its thread, and the number of the event at which it stands.
fn nodes(client: &mut Client) -> HashMap<String, (i64, u64)> {
    let told = client.ask("threads", Value::Null);
    let threads = told["threads"].as_array().expect("threads");
    threads
        .iter()
        .map(|thread| {
            let name = thread["name"].as_str().expect("a name");
            let (name, moment) = name.split_once(", ").expect("a moment");
            let digits: String = moment
                .strip_prefix("event ")
                .unwrap_or("0")
                .chars()
                .take_while(char::is_ascii_digit)
                .collect();
            let id = thread["id"].as_i64().expect("a number");
            (name.to_owned(), (id, digits.parse().unwrap_or(0)))
        })
        .collect()
}

fn command(client: &mut Client, line: &str) -> Value {
    client.ask("evaluate", json!({ "expression": line, "context": "repl" }));
    client.event("stopped")
}

/// What one message says of a cut: steps in its nodes.
struct Needs {
    from: String,
    sent: u64,
    to: String,
    received: u64,
}

fn needs(found: &Told) -> Vec<Needs> {
    let messages = found.all.iter().filter(|told| told["kind"] == "message");
    messages
        .map(|message| {
            let step = |site: &Value| {
                let events = site["events"].as_u64().expect("a number");
                events * 2 + u64::from(site["inCall"] == true)
            };
            let name = |site: &Value| site["node"].as_str().expect("a name").to_owned();
            let (from, to) = (&message["from"], &message["to"]);
            Needs {
                from: name(from),
                sent: step(from),
                to: name(to),
                received: step(to).max(1),
            }
        })
        .collect()
}

/// No node knows what was not said: at an event, it certainly knows what came before that, and can
/// have sent no more than what that sends.
fn check_cut(needs: &[Needs], at: &HashMap<String, (i64, u64)>, why: &str) {
    for of in needs {
        let is_received = at[&of.to].1 * 2 >= of.received;
        let may_be_sent = at[&of.from].1 * 2 + 1 >= of.sent;
        assert!(
            !is_received || may_be_sent,
            "{why}: {} knows what {} has not said: {} of {}, {at:?}",
            of.to,
            of.from,
            of.received,
            of.sent
        );
    }
}

#[test]
fn random_motions_of_random_nodes_leave_all_consistent() {
    let (_dir, traces) = shop();
    let needs = needs(&told(&named(&traces)));
    let (events, _, _) = ordered(&traces);
    for seed in 0..3 {
        let mut random = Random(seed);
        let mut client = open(&traces);
        for turn in 0..25 {
            let node = random.below(4);
            let thread = node as i64 + 1;
            let what = match random.below(9) {
                0 | 1 => {
                    let event = random.below(events[node] as usize);
                    let line = format!("seek {}:{event}", NAMES[node]);
                    command(&mut client, &line);
                    line
                }
                2 => {
                    let line = format!("seek {}%", random.below(101));
                    command(&mut client, &line);
                    line
                }
                3 => {
                    let line =
                        format!("seek {}:{}", NAMES[node], ["start", "end"][random.below(2)]);
                    command(&mut client, &line);
                    line
                }
                other => {
                    let motion = ["next", "stepBack", "stepIn", "stepOut", "continue"][other - 4];
                    client.ask(motion, json!({ "threadId": thread, "singleThread": true }));
                    client.event("stopped");
                    format!("{motion} of {}", NAMES[node])
                }
            };
            let at = nodes(&mut client);
            check_cut(&needs, &at, &format!("seed {seed} turn {turn} {what}"));
        }
    }
}

#[test]
fn a_message_followed_and_followed_back_returns_to_where_it_began() {
    let (_dir, traces) = shop();
    let found = told(&named(&traces));
    let needs = needs(&found);
    let lines = found.messages();
    let mut client = open(&traces);
    for line in &lines {
        let others = |of: &&Line| {
            let sent = (&of.from, of.events.0) == (&line.from, line.events.0);
            let came = line.events.1.is_some();
            sent || (came && (&of.to, of.events.1) == (&line.to, line.events.1))
        };
        // Of several in one hostcall, one is followed.
        if lines.iter().filter(others).count() > 1 {
            continue;
        }
        let start = format!("seek {}:{}", line.from, line.events.0);
        command(&mut client, &start);
        let before = nodes(&mut client);
        let stop = command(&mut client, "follow");
        let at = nodes(&mut client);
        assert_eq!(stop["threadId"], at[&line.to].0, "{line:?} {stop}");
        check_cut(&needs, &at, &format!("followed {line:?}"));
        // Who sent it stays where that was.
        assert_eq!(at[&line.from], before[&line.from], "{line:?}: {stop}");
        let stop = command(&mut client, "follow back");
        let at = nodes(&mut client);
        assert_eq!(stop["threadId"], at[&line.from].0, "{line:?} {stop}");
        assert_eq!(at[&line.from].1, line.events.0, "{line:?} {stop}");
        check_cut(&needs, &at, &format!("followed back {line:?}"));
    }
}
