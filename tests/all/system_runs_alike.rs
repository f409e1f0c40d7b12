//! Twenty requests that are the same, and heads that are rewritten on the way: what is told of them
//! is true, whatever order they were in. A proxy numbers them in headers of which each end sees
//! another one: so the test knows which is which, and matching cannot.

use crate::support::cache_dir;
use crate::support::middle::{Proxy, Rewrite};
use crate::support::server::{Server, recordings};
use crate::support::several::{Line, Told, check_left_out, told};
use rr_dap::replay::Compiled;
use rr_dap::replay::variant::{CacheDir, Variant};
use rr_dap::system::conversation::{Conversations, EndKind};
use rr_dap::system::listening::conversations;
use rr_dap::trace::Trace;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn heard(path: &Path) -> Conversations {
    let trace = Arc::new(Trace::open(path).expect("opens"));
    let cache = CacheDir::open(&cache_dir()).expect("a cache");
    let compiled = Compiled::prepare(&trace, &cache, Variant::Fast, &|_, _| {}).expect("compiles");
    conversations(&trace, &compiled, || true).expect("a replay")
}

/// A gateway that asked a service through a proxy.
struct Asked {
    _dir: tempfile::TempDir,
    gateway: PathBuf,
    services: Vec<PathBuf>,
    /// What the gateway answered.
    answer: String,
}

fn ask(service: &str, query: &str, taken: (usize, usize), rewrites: (Rewrite, Rewrite)) -> Asked {
    let dir = tempfile::tempdir().expect("a directory");
    let (gateways, services) = (dir.path().join("gateways"), dir.path().join("services"));
    let serving = Server::start(&services, &["-S", "cli"], service);
    let proxy = Proxy::start(serving.address, taken, rewrites);
    let gateway = Server::start(&gateways, &[], "gateway.wasm");
    let target = format!("/many?authority={}&{query}", proxy.address);
    let (status, answer) = gateway.get(&target);
    assert_eq!(status, 200, "{answer}");
    proxy.end();
    for server in [gateway, serving] {
        let (status, said) = server.end();
        assert!(status.success(), "{said}");
    }
    Asked {
        gateway: recordings(&gateways).remove(0),
        services: recordings(&services),
        _dir: dir,
        answer,
    }
}

const COUNT: usize = 20;

fn number_request(head: &mut Vec<String>, number: usize) {
    head.push(format!("x-truth: {number}"));
}

fn number_answer(head: &mut Vec<String>, number: usize) {
    head.push(format!("x-mark: {number}"));
}

/// Of how many requests it is told which they are, all of which it must be told truly.
fn told_truly(asked: &Asked, what: &str) -> (Told, usize) {
    let names: Vec<String> = (0..asked.services.len())
        .map(|n| format!("service{n}"))
        .collect();
    let mut nodes: Vec<(&str, &Path)> = vec![("gateway", &asked.gateway)];
    let services = asked.services.iter().map(PathBuf::as_path);
    nodes.extend(names.iter().map(String::as_str).zip(services));
    let found = told(&nodes);
    let gateway = heard(&asked.gateway);
    let services: Vec<Conversations> = asked.services.iter().map(|of| heard(of)).collect();
    let of = |name: &str| {
        let at = names.iter().position(|of| of == name);
        &services[at.unwrap_or_else(|| panic!("{name}"))]
    };
    let mut known = 0;
    for message in found.messages().iter().filter(|m| m.what == "request") {
        assert_eq!(message.from, "gateway", "{message:?}");
        let here = &gateway.ends[message.conversations.0 as usize];
        let there = &of(&message.to).ends[message.conversations.1 as usize];
        assert_eq!(here.kind, EndKind::HttpClient);
        let answer = here.received.head.as_ref().expect("an answer");
        let request = there.received.head.as_ref().expect("a request");
        let truth = (answer.header("x-mark"), request.header("x-truth"));
        assert!(
            truth.0.is_some() && truth.0 == truth.1,
            "{what}: {truth:?} {message:?}"
        );
        known += 1;
    }
    assert!(
        found.contradictions().is_empty(),
        "{what}: {:#?}",
        found.all
    );
    (found, known)
}

#[test]
fn twenty_requests_one_after_the_other_are_told_apart_by_order() {
    for service in ["answers.wasm", "answer.wasm"] {
        let query = format!("path=/hello&count={COUNT}&ahead=1");
        let asked = ask(service, &query, (COUNT, 1), (number_request, number_answer));
        assert_eq!(asked.answer.lines().count(), COUNT, "{}", asked.answer);
        let (found, known) = told_truly(&asked, service);
        let open = found.ambiguous();
        match asked.services.len() {
            // All in one recording: its order tells.
            1 => {
                assert_eq!((known, open.len()), (COUNT, 0), "{:#?}", found.all);
                let by_order = found.messages();
                let by_order = by_order.iter().filter(|m| m.evidence == "order");
                assert!(by_order.count() >= COUNT, "{:#?}", found.all);
            }
            // In one each: time may tell, and does not have to.
            _ => assert_eq!(known + open.len() / 2, COUNT, "{:#?}", found.all),
        }
    }
}

#[test]
fn twenty_requests_at_once_are_never_taken_for_each_other() {
    for (service, at_once) in [
        ("answers.wasm", COUNT),
        ("answer.wasm", COUNT),
        ("answers.wasm", 4),
    ] {
        let query = format!("path=/hello&count={COUNT}&ahead={at_once}");
        let rewrites: (Rewrite, Rewrite) = (number_request, number_answer);
        let asked = ask(service, &query, (COUNT, at_once), rewrites);
        assert_eq!(asked.answer.lines().count(), COUNT, "{}", asked.answer);
        let (found, known) = told_truly(&asked, service);
        let open = found.ambiguous();
        let open = open.iter().filter(|of| *of == "gateway").count();
        assert_eq!(known + open, COUNT, "{:#?}", found.all);
    }
}

/// Rewrites whom it is for, and a header.
fn rewrite_host(head: &mut Vec<String>, _: usize) {
    for line in head {
        let name = line
            .split(':')
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase();
        match name.as_str() {
            "host" => *line = "host: inside".to_owned(),
            "x-mark" => *line = "x-mark: rewritten".to_owned(),
            _ => {}
        }
    }
}

fn nothing(_: &mut Vec<String>, _: usize) {}

fn all_by(asked: &Asked, evidence: &str) -> Vec<Line> {
    let nodes: Vec<(&str, &Path)> = ["gateway", "service"]
        .into_iter()
        .zip([&*asked.gateway, &*asked.services[0]])
        .collect();
    let messages = told(&nodes).messages();
    for message in &messages {
        assert_eq!(message.evidence, evidence, "{message:?}");
    }
    check_left_out(&nodes);
    messages
}

#[test]
fn a_proxy_that_rewrites_headers_leaves_them_alike() {
    let query = "path=/status/418?a=long&count=1&mark=the-first";
    let asked = ask("answer.wasm", query, (1, 1), (rewrite_host, nothing));
    assert_eq!(asked.answer, "418  status 418\n");
    let messages = all_by(&asked, "similarity");
    let said: Vec<&str> = messages.iter().map(|m| &*m.said).collect();
    let expected = ["GET /status/418?a=long", "418", "\"status 418\""];
    assert_eq!(said, expected);
}

#[test]
fn a_trace_context_tells_through_any_proxy() {
    let query = "path=/hello&count=1&mark=the-first\
                 &parent=00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let asked = ask("answers.wasm", query, (1, 1), (rewrite_host, nothing));
    assert_eq!(asked.answer, "200  hello\n");
    let messages = all_by(&asked, "trace-context");
    let said: Vec<&str> = messages.iter().map(|m| &*m.said).collect();
    assert_eq!(said, ["GET /hello", "200", "\"hello\""]);
}

fn first_client(head: &mut Vec<String>, number: usize) {
    rewrite_host(head, number);
    number_request(head, number);
}

fn second_client(head: &mut Vec<String>, number: usize) {
    first_client(head, 100 + number);
}

fn number_second_answer(head: &mut Vec<String>, number: usize) {
    number_answer(head, 100 + number);
}

/// Two that ask one service for the same, by proxies behind which they are not to be told from
/// each other; also if one of them is not recorded.
#[test]
fn two_that_say_the_same_are_never_taken_for_each_other() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = |name: &str| dir.path().join(name);
    let service = Server::start(&path("service"), &["-S", "cli"], "answers.wasm");
    let clients: [(Rewrite, Rewrite); 2] = [
        (first_client, number_answer),
        (second_client, number_second_answer),
    ];
    let asking: Vec<_> = clients
        .into_iter()
        .zip(["one", "other"])
        .map(|(rewrites, name)| {
            let proxy = Proxy::start(service.address, (COUNT, 1), rewrites);
            let gateway = Server::start(&path(name), &[], "gateway.wasm");
            let whom = proxy.address;
            let target = format!("/many?authority={whom}&path=/hello&count={COUNT}&ahead=1");
            std::thread::spawn(move || {
                let (status, answer) = gateway.get(&target);
                assert_eq!((status, answer.lines().count()), (200, COUNT), "{answer}");
                proxy.end();
                assert!(gateway.end().0.success());
            })
        })
        .collect();
    for asking in asking {
        asking.join().expect("it has asked");
    }
    assert!(service.end().0.success());
    let services = recordings(&path("service"));
    for name in ["one", "other"] {
        let asked = Asked {
            _dir: tempfile::tempdir().expect("a directory"),
            gateway: recordings(&path(name)).remove(0),
            services: services.clone(),
            answer: String::new(),
        };
        told_truly(&asked, &format!("{name} alone"));
    }
    // Both together: whoever is matched is so with the requests that are its own.
    let gateways: Vec<PathBuf> = ["one", "other"]
        .iter()
        .map(|name| recordings(&path(name)).remove(0))
        .collect();
    let nodes: [(&str, &Path); 3] = [
        ("one", &gateways[0]),
        ("other", &gateways[1]),
        ("service", &services[0]),
    ];
    let found = told(&nodes);
    let ends = nodes.map(|(_, path)| heard(path).ends);
    for message in found.messages().iter().filter(|m| m.what == "request") {
        let of = if message.from == "one" {
            &ends[0]
        } else {
            &ends[1]
        };
        let answer = of[message.conversations.0 as usize].received.head.as_ref();
        let request = ends[2][message.conversations.1 as usize]
            .received
            .head
            .as_ref();
        let truth = answer
            .zip(request)
            .map(|(answer, request)| (answer.header("x-mark"), request.header("x-truth")));
        let is_true = truth.is_some_and(|(one, other)| one.is_some() && one == other);
        assert!(is_true, "{truth:?} {message:?}");
    }
}
