//! Programs that speak through sockets of either generation of WASI, each recorded by a process of
//! its own: what they are told to have said to each other is what they said.

use crate::support::events;
use crate::support::middle::Nat;
use crate::support::rewrite;
use crate::support::several::{Line, Recorded, check_left_out, stream, told};
use rr_dap::component::{Builtin, Component, CrossingId, CrossingKind, Transmit};
use rr_dap::trace::{EventKind, Outcome, Trace};
use std::path::{Path, PathBuf};

const NETWORK: &[&str] = &["-S", "inherit-network"];

/// Starts a server at a port of its own.
fn listening(guest: &str, args: &[&str], trace: &Path) -> (Recorded, u16) {
    let mut server = Recorded::start(guest, NETWORK, args, trace);
    let port = server.port();
    (server, port)
}

fn ran(guest: &str, args: &[&str], trace: &Path) -> String {
    let (status, said) = Recorded::start(guest, NETWORK, args, trace).end();
    assert!(status.success(), "{guest} {args:?}: {status:?} {said}");
    said
}

/// Each stretch is in one piece at both ends.
fn check_cuts(lengths: &[u64], cut_by: u64, at_most: u64) {
    let mut offset = 0;
    for length in lengths {
        assert!(*length > 0 && *length <= at_most, "{lengths:?}");
        let (first, last) = (offset / cut_by, (offset + length - 1) / cut_by);
        assert_eq!(first, last, "{lengths:?} cut by {cut_by}");
        offset += length;
    }
}

fn echo(server: &str, client: &str, address: &str) {
    let dir = tempfile::tempdir().expect("a directory");
    let path = |name: &str| dir.path().join(name);
    let (service, first, second) = (path("s.rrtrace"), path("1.rrtrace"), path("2.rrtrace"));
    let (running, port) = listening(server, &["listen", address, "2", "5"], &service);
    let port = port.to_string();
    let texts = [
        "the first one says a good deal more than one piece has room for",
        "and the second one says something else",
    ];
    for (text, trace) in texts.iter().zip([&first, &second]) {
        let said = ran(client, &["connect", &port, "9", text], trace);
        assert_eq!(said, format!("{text}\n"));
    }
    let (status, _) = running.end();
    assert!(status.success());
    let nodes: [(&str, &Path); 3] = [("server", &service), ("first", &first), ("second", &second)];
    let found = told(&nodes);
    assert!(found.outside().is_empty(), "{:#?}", found.all);
    assert!(found.ambiguous().is_empty(), "{:#?}", found.all);
    assert!(found.contradictions().is_empty(), "{:#?}", found.all);
    let messages = found.messages();
    for (name, text) in ["first", "second"].into_iter().zip(texts) {
        let (said, lengths) = stream(&messages, name, "server", "bytes");
        assert_eq!(said, text);
        check_cuts(&lengths, 9, 5);
        // What the server says again is in pieces as it heard it, and the client reads 7 at a time.
        let (said, lengths) = stream(&messages, "server", name, "bytes");
        assert_eq!(said, text);
        check_cuts(&lengths, text.len() as u64, 5);
    }
    for message in &messages {
        assert_eq!(message.evidence, "address-and-bytes", "{message:?}");
        assert!(message.from == "server" || message.to == "server");
    }
    check_left_out(&nodes);
}

#[test]
fn a_tcp_connection_between_programs_of_wasi_0_2() {
    echo("peer.wasm", "peer.wasm", "127.0.0.1");
}

#[test]
fn a_tcp_connection_between_programs_of_wasi_0_3() {
    echo("peers.wasm", "peers.wasm", "127.0.0.1");
}

#[test]
fn tcp_connections_between_programs_of_both_generations() {
    echo("peer.wasm", "peers.wasm", "127.0.0.1");
    echo("peers.wasm", "peer.wasm", "127.0.0.1");
}

#[test]
fn a_server_at_all_addresses_of_its_host() {
    echo("peer.wasm", "peer.wasm", "0.0.0.0");
    echo("peers.wasm", "peers.wasm", "0.0.0.0");
}

/// Two servers that heard the same, of which one is not recorded: that the ports are the same says
/// little, where a server is at all addresses of its host.
#[test]
fn what_little_was_said_to_a_port_of_another_host_is_not_taken_for_this_ones() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = |name: &str| dir.path().join(name);
    let (service, client) = (path("s.rrtrace"), path("c.rrtrace"));
    let (running, port) = listening("peer.wasm", &["listen", "0.0.0.0", "1", "5"], &service);
    let said = ran(
        "peer.wasm",
        &["connect", &port.to_string(), "9", "hi"],
        &client,
    );
    assert_eq!(said, "hi\n");
    assert!(running.end().0.success());
    let nodes: [(&str, &Path); 2] = [("server", &service), ("client", &client)];
    let found = told(&nodes);
    // The test knows that they are the same; four bytes do not tell.
    assert!(found.messages().is_empty(), "{:#?}", found.all);
    let mut open = found.ambiguous();
    open.sort();
    assert_eq!(open, ["client", "server"]);
}

/// A socket that hears two, and two that each tell two.
fn datagrams(guest: &str) {
    let dir = tempfile::tempdir().expect("a directory");
    let path = |name: String| dir.path().join(name + ".rrtrace");
    let mut hearing: Vec<(Recorded, u16)> = Vec::new();
    for n in 0..2 {
        let trace = path(format!("hears{n}"));
        hearing.push(listening(guest, &["hear", "4"], &trace));
    }
    let ports = format!("{},{}", hearing[0].1, hearing[1].1);
    let mut traces: Vec<PathBuf> = Vec::new();
    let mut sent: Vec<(String, String, String)> = Vec::new();
    for n in 0..2 {
        let trace = path(format!("tells{n}"));
        let own = format!("of {n} alone");
        // The second one is said by both, to both.
        let texts = [&*own, "what both say"];
        let said = ran(guest, &["tell", &ports, "500", texts[0], texts[1]], &trace);
        let mut lines: Vec<&str> = said.lines().collect();
        lines.sort_unstable();
        let (first, second) = (texts[0].to_uppercase(), texts[1].to_uppercase());
        let mut expected = [&*first, &*first, &*second, &*second];
        expected.sort_unstable();
        assert_eq!(lines, expected);
        for hears in 0..2 {
            for text in texts {
                let (tells, hears) = (format!("tells{n}"), format!("hears{hears}"));
                sent.push((tells.clone(), hears.clone(), format!("\"{text}\"")));
                sent.push((hears, tells, format!("\"{}\"", text.to_uppercase())));
            }
        }
        traces.push(trace);
    }
    for (running, _) in hearing {
        traces.push(running.trace.clone());
        assert!(running.end().0.success());
    }
    let names = ["tells0", "tells1", "hears0", "hears1"];
    let nodes: Vec<(&str, &Path)> = names
        .into_iter()
        .zip(traces.iter().map(PathBuf::as_path))
        .collect();
    let found = told(&nodes);
    assert!(found.contradictions().is_empty(), "{:#?}", found.all);
    let mut told: Vec<(String, String, String)> = found
        .messages()
        .into_iter()
        .map(|message| (message.from, message.to, message.said))
        .collect();
    told.sort();
    sent.sort();
    assert_eq!(told, sent, "{:#?}", found.all);
    check_left_out(&nodes);
}

#[test]
fn sockets_that_each_speak_with_several_by_wasi_0_2() {
    datagrams("peer.wasm");
}

#[test]
fn sockets_that_each_speak_with_several_by_wasi_0_3() {
    datagrams("peers.wasm");
}

/// The second one is lost, the third is doubled, the fourth is overtaken by the fifth.
fn fate(said: &str) -> Option<usize> {
    match said.as_bytes().first() {
        Some(b'2') => Some(0),
        Some(b'3') => Some(2),
        Some(b'4') => None,
        _ => Some(1),
    }
}

/// Whether it was said by this one, through NAT, to the server, or back.
fn is_true(line: &Line, client: &str, texts: &[String]) -> bool {
    let said = line.said.trim_matches('"').to_lowercase();
    let is_known = texts.contains(&said);
    let ways = [(client, "server"), ("server", client)];
    is_known && ways.contains(&(&*line.from, &*line.to))
}

fn through_nat(guest: &str) {
    let dir = tempfile::tempdir().expect("a directory");
    let path = |name: &str| dir.path().join(name);
    let service = path("server.rrtrace");
    let clients = [path("1.rrtrace"), path("2.rrtrace")];
    // Of six that each client says, one is lost and one doubled.
    let (running, port) = listening(guest, &["hear", "12"], &service);
    let texts = ["one", "two"].map(|client| {
        let last = [
            "1 the first",
            "2 the lost",
            "3 the doubled",
            "4 the delayed",
        ];
        let mut texts: Vec<String> = last.map(|text| format!("{text} of {client}")).into();
        texts.push(format!("5 the hasty of {client}"));
        texts.push("6 what both say".to_owned());
        texts
    });
    let mut handed_on = Vec::new();
    for (texts, trace) in texts.iter().zip(&clients) {
        let nat = Nat::start(port, fate);
        let at = nat.port.to_string();
        let mut args = vec!["tell", &at, "500"];
        args.extend(texts.iter().map(String::as_str));
        let said = ran(guest, &args, trace);
        let passed = nat.end();
        let expected: Vec<String> = passed.iter().map(|text| text.to_uppercase()).collect();
        assert_eq!(said.lines().collect::<Vec<_>>(), expected);
        assert_eq!(passed.len(), 6, "{passed:?}");
        handed_on.push(passed);
    }
    assert!(running.end().0.success());
    let nodes: [(&str, &Path); 3] = [
        ("server", &service),
        ("one", &clients[0]),
        ("two", &clients[1]),
    ];
    let check = |nodes: &[(&str, &Path)]| {
        let found = told(nodes);
        assert!(found.contradictions().is_empty(), "{:#?}", found.all);
        let messages = found.messages();
        for line in &messages {
            let client = [&line.from, &line.to]
                .into_iter()
                .find(|of| *of != "server");
            let client = client.expect("a client").as_str();
            let texts = &texts[usize::from(client == "two")];
            assert!(is_true(line, client, texts), "{line:?}");
            assert_eq!(line.evidence, "bytes", "there is NAT in between: {line:?}");
        }
        for (client, passed) in ["one", "two"].into_iter().zip(&handed_on) {
            let is_there = |name: &str| nodes.iter().any(|(of, _)| *of == name);
            if !is_there(client) || !is_there("server") {
                continue;
            }
            let mut came: Vec<&str> = messages
                .iter()
                .filter(|line| line.from == client)
                .map(|line| line.said.trim_matches('"'))
                .collect();
            came.sort_unstable();
            let mut expected: Vec<&str> = passed.iter().map(String::as_str).collect();
            // What both say may be either's, and is told of neither.
            expected.retain(|text| !text.starts_with('6'));
            came.retain(|text| !text.starts_with('6'));
            expected.sort_unstable();
            assert_eq!(came, expected, "{:#?}", found.all);
        }
        found
    };
    let all = check(&nodes);
    let both = all
        .messages()
        .iter()
        .filter(|m| m.said.contains('6'))
        .count();
    assert_eq!(both, 0, "{:#?}", all.all);
    for left_out in 0..nodes.len() {
        let mut some = nodes.to_vec();
        some.remove(left_out);
        let found = check(&some);
        if left_out == 0 {
            let mut outside = found.outside();
            outside.sort();
            assert_eq!(outside, ["one", "two"], "{:#?}", found.all);
        }
    }
}

#[test]
fn datagrams_through_nat_that_loses_doubles_and_delays_by_wasi_0_2() {
    through_nat("peer.wasm");
}

#[test]
fn datagrams_through_nat_that_loses_doubles_and_delays_by_wasi_0_3() {
    through_nat("peers.wasm");
}

/// Five that say the same, one after the other: each is with the connection that was its own, also
/// if others are missing.
fn alike(guest: &str) {
    let dir = tempfile::tempdir().expect("a directory");
    let path = |name: String| dir.path().join(name + ".rrtrace");
    let service = path("server".to_owned());
    let (running, port) = listening(guest, &["listen", "127.0.0.1", "5", "5"], &service);
    let mut nodes: Vec<(String, PathBuf)> = Vec::new();
    for n in 0..5 {
        let trace = path(format!("client{n}"));
        let args = ["connect", &port.to_string(), "9", "what all of them say"];
        assert_eq!(ran(guest, &args, &trace), "what all of them say\n");
        nodes.push((format!("client{n}"), trace));
    }
    assert!(running.end().0.success());
    nodes.push(("server".to_owned(), service));
    // Its standard output is the first conversation of the server.
    let truth = |client: &str| {
        let number = client
            .strip_prefix("client")
            .and_then(|n| n.parse::<u64>().ok());
        number.expect("a number") + 1
    };
    let check = |nodes: &[(String, PathBuf)]| {
        let nodes: Vec<(&str, &Path)> = nodes
            .iter()
            .map(|(name, path)| (name.as_str(), path.as_path()))
            .collect();
        let found = told(&nodes);
        assert!(found.contradictions().is_empty(), "{:#?}", found.all);
        for line in found.messages() {
            let (client, conversation) = match line.from == "server" {
                true => (&line.to, line.conversations.0),
                false => (&line.from, line.conversations.1),
            };
            assert_eq!(conversation, truth(client), "{line:?}");
        }
        found
    };
    let found = check(&nodes);
    let known: std::collections::BTreeSet<String> =
        found.messages().into_iter().map(|line| line.from).collect();
    let open = found.ambiguous();
    let open = open.iter().filter(|name| *name != "server").count();
    // The server's name is among them.
    assert_eq!(known.len().saturating_sub(1) + open, 5, "{:#?}", found.all);
    for left_out in 0..5 {
        let mut some = nodes.clone();
        some.remove(left_out);
        check(&some);
    }
}

#[test]
fn connections_in_which_all_say_the_same() {
    alike("peer.wasm");
    alike("peers.wasm");
}

/// Whether a call writes to a stream of bytes.
fn writes(component: &Component, crossing: CrossingId) -> bool {
    let crossing = component.crossing(crossing).expect("a crossing");
    match &crossing.kind {
        CrossingKind::Builtin(Builtin::Stream(transmit, _)) => *transmit == Transmit::Write,
        _ => crossing
            .name
            .contains("output-stream.blocking-write-and-flush"),
    }
}

/// Of a recorder that was killed while the program wrote, nobody knows how much of that went; the
/// other side does, and what went before is told.
fn killed_while_it_writes(guest: &str) {
    let dir = tempfile::tempdir().expect("a directory");
    let path = |name: &str| dir.path().join(name);
    let (service, whole, killed) = (path("s.rrtrace"), path("c.rrtrace"), path("k.rrtrace"));
    let (running, port) = listening("peer.wasm", &["listen", "127.0.0.1", "1", "40"], &service);
    let text = "it says a good deal in pieces of nine bytes";
    ran(guest, &["connect", &port.to_string(), "9", text], &whole);
    assert!(running.end().0.success());
    let trace = Trace::open(&whole).expect("opens");
    let component = trace.component();
    let mut all = events(&whole);
    let calls = all.iter().enumerate().filter(|(_, event)| {
        matches!(event.kind, EventKind::Call(_)) && writes(component, event.crossing)
    });
    let third = calls.map(|(at, _)| at).nth(2).expect("a third piece");
    all.truncate(third + 1);
    rewrite::write(component.clone(), &all, &Outcome::CutOff, 100, &killed);

    let found = told(&[("client", &killed), ("server", &service)]);
    let messages = found.messages();
    let (said, lengths) = stream(&messages, "client", "server", "bytes");
    assert_eq!(said, text[..18], "{:#?}", found.all);
    check_cuts(&lengths, 9, 40);
    // It was told nothing any more.
    assert!(messages.iter().all(|line| line.from == "client"));
    assert!(found.contradictions().is_empty());
}

#[test]
fn a_client_that_is_killed_has_said_what_was_heard() {
    killed_while_it_writes("peer.wasm");
    killed_while_it_writes("peers.wasm");
}
