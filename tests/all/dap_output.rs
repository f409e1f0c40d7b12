//! What the program printed, told by the DAP server: each piece once, at the stop that
//! passed it or when it is known.

use crate::support::client::Client;
use crate::support::gate::Gate;
use crate::support::scripted::Scripted;
use crate::support::session::connect_to;
use rr_dap::dap::transport::Server;
use serde_json::{Value, json};
use std::sync::Arc;

fn said(client: &mut Client) -> String {
    client.event("output")["output"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// In the first session with a program, what it printed is known long after the first
/// stops.
#[test]
fn output_that_is_known_late_comes_after_the_stop_and_only_once() {
    let past = Gate::default();
    let mut client = connect_to(Server::new(Arc::new(Scripted {
        past: Some(past.clone()),
    })));
    client.start(
        json!({ "trace": "demo.rrtrace", "sourceMap": { "/guest": "/home/me" } }),
        &[4, 5],
    );
    assert_eq!(said(&mut client), "hellö\n");
    // The stop did not wait. It passed one hostcall.
    client.ask("threads", Value::Null);
    assert!(!client.heard_event("output"));
    past.open();
    let piece = client.event("output");
    assert_eq!(piece["output"], "by 0\n");
    let place = json!({ "locationReference": piece["locationReference"] });
    assert_eq!(client.ask("locations", place)["line"], 1);
    // From here on it is known.
    client.go("reverseContinue");
    client.go("continue");
    client.go("continue");
    assert_eq!(said(&mut client), "by 1\n");
    client.go("continue");
    assert_eq!(said(&mut client), "by 2\n");
    client.go("continue");
    assert_eq!(said(&mut client), "by 3\n");
    client.ask("disconnect", Value::Null);
    let more = client.rest();
    assert!(
        more.iter().all(|message| message["event"] != "output"),
        "{more:#?}"
    );
}
