//! How clients come to a server: who is let in, and that they do not meet.

use super::{launch, server};
use crate::support::client::{Client, HangsUp};
use crate::support::session::connect_to;
use rr_dap::dap::transport::{Address, Listener, Server};
use serde_json::{Value, json};
use std::net::TcpStream;
use std::time::Duration;

#[test]
fn who_is_not_let_in_has_some_time() {
    let impatient = |token: Option<&str>, knocking: u64| Server {
        token: token.map(|token| token.parse().unwrap()),
        knocking: Duration::from_millis(knocking),
        ..server(None)
    };
    // The conversation is over whatever else is said.
    let mut silent = connect_to(impatient(Some("open sesame"), 300));
    silent.initialize();
    let rest = silent.rest();
    assert_eq!(rest.len(), 1, "{rest:#?}");
    let told = rest[0]["body"]["output"].as_str().unwrap();
    assert!(told.contains("none was given in time"), "{told}");
    // Who is in, or needs no token, has all the time.
    let launched = json!({ "program": "demo.wasm", "token": "open sesame" });
    std::thread::scope(|scope| {
        for token in [Some("open sesame"), None] {
            let server = impatient(token, 3000);
            let launched = launched.clone();
            scope.spawn(move || {
                let mut client = connect_to(server);
                client.initialize();
                client.ask("launch", launched);
                std::thread::sleep(Duration::from_millis(3300));
                client.ask("threads", Value::Null);
            });
        }
    });
}

#[test]
fn sessions_on_one_listener_do_not_meet() {
    let listener = Listener::bind(&Address::Tcp("127.0.0.1:0".into())).unwrap();
    let mut announced = Vec::new();
    listener.announce(&mut announced).unwrap();
    let announced = String::from_utf8(announced).unwrap();
    let port = announced
        .strip_prefix("LISTENING ")
        .unwrap()
        .trim_end()
        .to_owned();
    std::thread::spawn(move || listener.serve(&server(None)));
    let connect = || {
        let stream = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
        let reader = stream.try_clone().unwrap();
        Client::new(Box::new(reader), Box::new(HangsUp(stream)))
    };
    let (mut one, mut other, mut vanishing) = (connect(), connect(), connect());
    one.start(launch("slow.wasm"), &[4]);
    other.start(launch("demo.wasm"), &[5]);
    vanishing.start(json!({ "program": "slow.wasm", "stopOnEntry": true }), &[]);
    vanishing.ask("continue", json!({ "threadId": 1 }));
    drop(vanishing);
    one.set_lines(&[]);
    one.ask("continue", json!({ "threadId": 1 }));
    assert_eq!(other.top_line(), 5);
    assert_eq!(other.go("stepBack")["reason"], "step");
    assert_eq!(other.top_line(), 4);
    assert_eq!(one.go("pause")["reason"], "pause");
    assert_eq!(one.top_line(), 4);
    other.ask("disconnect", Value::Null);
    assert!(other.next().is_none());
    assert_eq!(one.go("next")["reason"], "step");
}

#[cfg(unix)]
#[test]
fn a_unix_socket_is_for_its_owner_only_and_leaves_no_trace() {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::net::UnixStream;

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("socket");
    let address = Address::Unix(path.clone());
    let listener = Listener::bind(&address).unwrap();
    assert_eq!(
        std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let stream = UnixStream::connect(&path).unwrap();
    let taken = Listener::bind(&address).unwrap_err().to_string();
    assert!(taken.contains("another server"), "{taken}");
    drop((stream, listener));
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);

    std::fs::write(&path, "mine").unwrap();
    let in_the_way = Listener::bind(&address).unwrap_err().to_string();
    assert!(in_the_way.contains("not a socket"), "{in_the_way}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");

    std::fs::remove_file(&path).unwrap();
    let listener = Listener::bind(&address).unwrap();
    std::thread::spawn(move || listener.serve(&server(None)));
    let stream = UnixStream::connect(&path).unwrap();
    let mut client = Client::new(Box::new(stream.try_clone().unwrap()), Box::new(stream));
    client.start(launch("demo.wasm"), &[4]);
}
