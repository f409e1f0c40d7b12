//! Programs that ask others over HTTP, of either generation of WASI, each recorded by a process of
//! its own: what they are told to have said to each other is what they said.

use crate::support::server::{Server, recordings};
use crate::support::several::{Line, Recorded, check_left_out, stream, told};
use crate::support::{fixture, record};
use std::path::{Path, PathBuf};

/// A request through a client of either generation, whose recording is then at this path.
fn ask(client: &str, args: &[&str], trace: &Path) -> String {
    let running = Recorded::start(client, &["-S", "http"], args, trace);
    let (status, said) = running.end();
    assert!(status.success(), "{client} {args:?}: {status:?} {said}");
    said
}

fn ended(server: Server, served: &Path) -> Vec<PathBuf> {
    let (status, said) = server.end();
    assert!(status.success(), "{said}");
    recordings(served)
}

fn between<'a>(
    messages: &'a [Line],
    from: &'a str,
    to: &'a str,
    what: &'a str,
) -> impl Iterator<Item = &'a Line> {
    messages
        .iter()
        .filter(move |m| (&*m.from, &*m.to, &*m.what) == (from, to, what))
}

/// The only message of a kind between two nodes.
fn only<'a>(messages: &'a [Line], from: &'a str, to: &'a str, what: &'a str) -> &'a Line {
    let mut found = between(messages, from, to, what);
    let first = found.next();
    let first = first.unwrap_or_else(|| panic!("no {what} from {from} to {to}: {messages:#?}"));
    assert_eq!(found.next(), None, "{messages:#?}");
    first
}

/// A client that posts and one that gets, of one generation, and a service of one.
fn mix(client: &str, service: &str) {
    let dir = tempfile::tempdir().expect("a directory");
    let (posts, gets, served) = (
        dir.path().join("posts.rrtrace"),
        dir.path().join("gets.rrtrace"),
        dir.path().join("served"),
    );
    let server = Server::start(&served, &["-S", "cli"], service);
    let address = server.address.to_string();
    let body = "a body that is not short, as it were";
    let said = ask(client, &[&address, "/echo?of=post", body], &posts);
    assert_eq!(said, format!("status 200\n{body}\n"));
    let said = ask(client, &[&address, "/status/418"], &gets);
    assert_eq!(said, "status 418\nstatus 418\n");
    let services = ended(server, &served);
    let mut nodes: Vec<(&str, &Path)> = vec![("posts", &posts), ("gets", &gets)];
    // A service of WASI 0.3 has many requests in one instance, one of 0.2 may have an instance
    // for each.
    let names = ["first", "second"];
    nodes.extend(names.into_iter().zip(services.iter().map(PathBuf::as_path)));
    let (first, second) = match services.len() {
        1 => ("first", "first"),
        2 => ("first", "second"),
        other => panic!("{other} recordings"),
    };
    let found = told(&nodes);
    assert!(found.outside().is_empty(), "{:#?}", found.all);
    assert!(found.ambiguous().is_empty(), "{:#?}", found.all);
    assert!(found.contradictions().is_empty(), "{:#?}", found.all);
    let messages = found.messages();
    for (node, service, asked, status, sent, came) in [
        ("posts", first, "POST /echo?of=post", "200", body, body),
        ("gets", second, "GET /status/418", "418", "", "status 418"),
    ] {
        let request = only(&messages, node, service, "request");
        assert_eq!(request.said, asked);
        assert_eq!(request.events.1, None, "{request:?}");
        assert_eq!(only(&messages, service, node, "response").said, status);
        assert_eq!(stream(&messages, node, service, "body").0, sent);
        assert_eq!(stream(&messages, service, node, "body").0, came);
    }
    for message in &messages {
        assert_eq!(message.evidence, "address-and-bytes", "{message:?}");
        // Nobody else has said anything.
        let pairs = [("posts", first), ("gets", second)];
        let (from, to) = (&*message.from, &*message.to);
        assert!(pairs.contains(&(from, to)) || pairs.contains(&(to, from)));
    }
    check_left_out(&nodes);
}

#[test]
fn a_client_of_wasi_0_2_asks_a_service_of_wasi_0_2() {
    mix("fetch.wasm", "answer.wasm");
}

#[test]
fn a_client_of_wasi_0_2_asks_a_service_of_wasi_0_3() {
    mix("fetch.wasm", "answers.wasm");
}

#[test]
fn a_client_of_wasi_0_3_asks_a_service_of_wasi_0_2() {
    mix("fetches.wasm", "answer.wasm");
}

#[test]
fn a_client_of_wasi_0_3_asks_a_service_of_wasi_0_3() {
    mix("fetches.wasm", "answers.wasm");
}

/// A client asks a service, which asks another one and hands on what that says.
#[test]
fn a_service_in_between_has_both_conversations() {
    for (front, back) in [
        ("answers.wasm", "answer.wasm"),
        ("answer.wasm", "answers.wasm"),
    ] {
        let dir = tempfile::tempdir().expect("a directory");
        let (trace, fronts, backs) = (
            dir.path().join("client.rrtrace"),
            dir.path().join("fronts"),
            dir.path().join("backs"),
        );
        let back = Server::start(&backs, &["-S", "cli"], back);
        let front = Server::start(&fronts, &["-S", "cli"], front);
        let target = format!("/fetch?authority={}&path=/large?bytes=40", back.address);
        let said = ask("fetch.wasm", &[&front.address.to_string(), &target], &trace);
        let body = said.strip_prefix("status 200\n").expect("an answer");
        let body = body.strip_suffix('\n').expect("an end");
        assert_eq!(body.len(), 40, "{body:?}");
        let (fronts, backs) = (ended(front, &fronts), ended(back, &backs));
        let nodes: [(&str, &Path); 3] = [
            ("client", &trace),
            ("front", &fronts[0]),
            ("back", &backs[0]),
        ];
        let found = told(&nodes);
        let messages = found.messages();
        let asked = only(&messages, "client", "front", "request");
        assert_eq!(asked.said, format!("GET {target}"));
        let asked = only(&messages, "front", "back", "request");
        assert_eq!(asked.said, "GET /large?bytes=40");
        let escaped = body.as_bytes().escape_ascii().to_string();
        for (from, to) in [("back", "front"), ("front", "client")] {
            assert_eq!(only(&messages, from, to, "response").said, "200");
            let parts: Vec<&Line> = between(&messages, from, to, "body").collect();
            let said: String = parts
                .iter()
                .map(|part| part.said.trim_matches('"'))
                .collect();
            assert_eq!(said, escaped, "{parts:#?}");
        }
        assert!(found.outside().is_empty(), "{:#?}", found.all);
        check_left_out(&nodes);
    }
}

/// What was said before is not taken for what is said now, nor somebody else's service for this
/// one.
#[test]
fn one_service_in_two_runs_is_two_nodes() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut traces = Vec::new();
    for run in 0..2 {
        let served = dir.path().join(format!("served{run}"));
        let trace = dir.path().join(format!("client{run}.rrtrace"));
        let server = Server::start(&served, &["-S", "cli"], "answer.wasm");
        let address = server.address.to_string();
        let ran = record(
            &fixture("fetch.wasm"),
            &["-S", "http"],
            &[&address, "/hello"],
            "",
            &trace,
        );
        assert!(ran.status.success(), "{ran:?}");
        traces.push((trace, ended(server, &served).remove(0)));
    }
    let nodes: [(&str, &Path); 4] = [
        ("client0", &traces[0].0),
        ("client1", &traces[1].0),
        ("service0", &traces[0].1),
        ("service1", &traces[1].1),
    ];
    let messages = told(&nodes).messages();
    for run in ["0", "1"] {
        let (client, service) = (format!("client{run}"), format!("service{run}"));
        assert_eq!(
            only(&messages, &client, &service, "request").said,
            "GET /hello"
        );
        assert_eq!(only(&messages, &service, &client, "body").said, "\"hello\"");
    }
    assert_eq!(messages.len(), 6, "{messages:#?}");
    check_left_out(&nodes);
    // The client of one and the service of the other have nothing to do with each other.
    let strangers = told(&[("client0", &traces[0].0), ("service1", &traces[1].1)]);
    assert!(strangers.messages().is_empty(), "{:#?}", strangers.all);
}

/// What goes wrong in a service has been said as far as it was.
#[test]
fn requests_that_fail_are_those_that_failed() {
    for (client, service) in [
        ("fetch.wasm", "answer.wasm"),
        ("fetches.wasm", "answers.wasm"),
    ] {
        for (target, answer, came) in [
            ("/trap-late", Some("200"), "the first piece\\n"),
            ("/trap", None, ""),
            ("/none", None, ""),
        ] {
            let dir = tempfile::tempdir().expect("a directory");
            let (trace, served) = (dir.path().join("client.rrtrace"), dir.path().join("served"));
            let server = Server::start(&served, &["-S", "cli"], service);
            let address = server.address.to_string();
            // Whatever becomes of it.
            Recorded::start(client, &["-S", "http"], &[&address, target], &trace).end();
            server.end();
            let services = recordings(&served);
            let nodes: [(&str, &Path); 2] = [("client", &trace), ("service", &services[0])];
            let found = told(&nodes);
            let what = format!("{client} {service} {target}: {:#?}", found.all);
            assert!(found.outside().is_empty(), "{what}");
            assert!(found.ambiguous().is_empty(), "{what}");
            let messages = found.messages();
            let request = only(&messages, "client", "service", "request");
            assert_eq!(request.said, format!("GET {target}"), "{what}");
            let answers = between(&messages, "service", "client", "response");
            let answers: Vec<&str> = answers.map(|of| &*of.said).collect();
            assert_eq!(answers, Vec::from_iter(answer), "{what}");
            let bodies = between(&messages, "service", "client", "body");
            let said: String = bodies.map(|of| of.said.trim_matches('"')).collect();
            assert_eq!(said, came, "{what}");
        }
    }
}
