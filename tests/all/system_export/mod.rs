//! What recordings said comes out again of what is exported: all of it, and nothing else.

mod capture;
mod http;
mod logs;

use crate::support::captured::Capture;
use crate::support::server::{Server, recordings};
use crate::support::spoken::Nature;
use crate::support::{fixture, record, rr_dap, text};
use rr_dap::system::conversation::{End, EndKind};
use rr_dap::system::export::{System, pcapng};
use rr_dap::system::matching::{Matches, NodeConversations, match_ends};
use rr_dap::system::message::{EndId, NodeId};
use rr_dap::system::order::{NodeExtent, Order};
use std::path::PathBuf;

fn natures() -> Vec<Nature> {
    let nature = Nature {
        nodes: 4,
        conversations: 60,
        at_once: 5,
        alike: 0,
        nat: false,
        lost: 10,
        doubled: 10,
        clocks: true,
        one_way: false,
        killed_after: None,
        kinds: vec![
            EndKind::HttpClient,
            EndKind::TcpConnected,
            EndKind::Udp,
            EndKind::StandardOutput,
        ],
    };
    vec![
        nature.clone(),
        Nature {
            nat: true,
            clocks: false,
            ..nature.clone()
        },
        Nature {
            alike: 60,
            ..nature.clone()
        },
        Nature {
            killed_after: Some(200),
            ..nature
        },
    ]
}

/// What was found of some nodes, to be exported.
struct Found<'a> {
    nodes: Vec<NodeConversations<'a>>,
    matches: Matches,
    order: Order,
}

impl<'a> Found<'a> {
    fn of(nodes: Vec<NodeConversations<'a>>) -> Found<'a> {
        let matches = match_ends(&nodes);
        let extents: Vec<NodeExtent<'_>> = nodes.iter().map(NodeConversations::extent).collect();
        let order = Order::of(&extents, matches.messages());
        Found {
            order,
            matches,
            nodes,
        }
    }

    fn system(&self) -> System<'_> {
        System {
            nodes: &self.nodes,
            matches: &self.matches,
            order: &self.order,
        }
    }

    fn end(&self, id: EndId) -> &End {
        &self.nodes[id.node.0 as usize].conversations.ends[id.end as usize]
    }

    fn ends(&self) -> Vec<(EndId, &End)> {
        let nodes = (0..).zip(&self.nodes);
        nodes
            .flat_map(|(node, of)| {
                let ends = (0..).zip(&of.conversations.ends);
                let node = NodeId(node);
                ends.map(move |(end, of)| (EndId { node, end }, of))
            })
            .collect()
    }

    fn capture(&self) -> Capture {
        let mut written = Vec::new();
        pcapng::write(self.system(), &mut written).expect("written");
        Capture::read(&written)
    }
}

/// A client that posts, and the service that answered.
fn echo() -> (tempfile::TempDir, Vec<PathBuf>) {
    let dir = tempfile::tempdir().expect("a directory");
    let served = dir.path().join("served");
    let server = Server::start(&served, &["-S", "cli"], "answer.wasm");
    let address = server.address.to_string();
    let trace = dir.path().join("client.rrtrace");
    let args = [&*address, "/echo", "hello there"];
    let ran = record(&fixture("fetch.wasm"), &["-S", "http"], &args, "", &trace);
    assert!(ran.status.success(), "{ran:?}");
    let (status, said) = server.end();
    assert!(status.success(), "{said}");
    let mut traces = vec![trace];
    traces.extend(recordings(&served));
    (dir, traces)
}

#[test]
fn recordings_are_exported_by_the_command() {
    let (dir, traces) = echo();
    let paths: Vec<&str> = traces
        .iter()
        .map(|path| path.to_str().expect("text"))
        .collect();
    let export = |format: &str, more: &[&str]| {
        let first = ["trace", "export", "--format", format];
        rr_dap(&[&first[..], more, &paths].concat(), "")
    };
    let file = dir.path().join("x.pcapng");
    let to = file.to_str().expect("text");
    let ran = export("pcapng", &["-o", to]);
    assert!(ran.status.success() && ran.stdout.is_empty(), "{ran:?}");
    let written = std::fs::read(&file).expect("a file");
    let (request, answer) = http::only(&Capture::read(&written));
    assert_eq!(request.first, "POST /echo HTTP/1.1");
    assert_eq!(request.body, b"hello there");
    let answer = answer.expect("an answer");
    assert_eq!(
        (&*answer.first, &*answer.body),
        ("HTTP/1.1 200 ", &b"hello there"[..])
    );
    // What is there stays, unless it is asked for.
    let ran = export("json", &["-o", to]);
    assert!(!ran.status.success());
    assert!(text(&ran.stderr).contains("--force"), "{ran:?}");
    assert_eq!(std::fs::read(&file).expect("a file"), written);
    assert!(export("json", &["-o", to, "--force"]).status.success());
    // The same on standard output.
    assert_eq!(
        export("json", &[]).stdout,
        std::fs::read(&file).expect("a file")
    );
    assert_eq!(export("pcapng", &["-o", "-"]).stdout, written);
    let log = text(&export("shiviz", &[]).stdout);
    assert!(log.contains("sent POST /echo to answer"), "{log}");
    assert!(!export("perfetto", &[]).stdout.is_empty());
}
