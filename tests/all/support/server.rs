//! `rr-dap serve`, and a client of HTTP that knows as much of it as is needed.

use super::processes::PATIENCE;
use super::{cache_dir, fixture};
use rr_dap::inspect::past::requests::Requests;
use rr_dap::trace::Trace;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// A service that is running. Killed when it is dropped.
pub struct Server {
    child: Child,
    stderr: BufReader<ChildStderr>,
    pub address: SocketAddr,
    directory: PathBuf,
}

impl Server {
    /// Serves a fixture, with these options, and records into this directory.
    pub fn start(directory: &Path, options: &[&str], guest: &str) -> Server {
        let mut child = Command::new(env!("CARGO_BIN_EXE_rr-dap"))
            .args(["serve", "--addr", "127.0.0.1:0", "-o"])
            .arg(directory)
            .args(options)
            .arg(fixture(guest))
            .env("RR_DAP_CACHE", cache_dir())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let mut stderr = BufReader::new(child.stderr.take().expect("a pipe"));
        let mut line = String::new();
        stderr.read_line(&mut line).expect("says where it is");
        let address = line
            .trim()
            .strip_prefix("Serving HTTP on http://")
            .and_then(|rest| rest.strip_suffix('/'))
            .unwrap_or_else(|| panic!("it says {line:?}"));
        Server {
            address: address.parse().expect("an address"),
            child,
            stderr,
            directory: directory.to_owned(),
        }
    }

    /// The status and the body that a GET is answered with.
    pub fn get(&self, target: &str) -> (u16, String) {
        let mut stream = self.send(&format!(
            "GET {target} HTTP/1.1\r\nhost: tests\r\nconnection: close\r\n\r\n"
        ));
        answer(&mut stream)
    }

    /// A connection on which this has been said.
    pub fn send(&self, text: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream.write_all(text.as_bytes()).expect("it reads");
        stream
    }

    /// Waits until its instances have been called for so many requests in all.
    pub fn wait_until_called(&self, requests: usize) {
        let called = || -> usize {
            let recordings = self.recordings().into_iter();
            let traces = recordings.filter_map(|path| Trace::open(&path).ok());
            let called = traces.map(|trace| Requests::of_events(&trace, || true).list().len());
            called.sum()
        };
        let until = Instant::now() + PATIENCE;
        while called() < requests {
            assert!(Instant::now() < until, "{} of {requests}", called());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Tells it to end; what it has said meanwhile.
    pub fn end(mut self) -> (ExitStatus, String) {
        self.signal(libc::SIGTERM);
        let mut said = String::new();
        self.stderr.read_to_string(&mut said).expect("text");
        (self.child.wait().expect("it ends"), said)
    }

    /// Ends it in the middle of everything.
    pub fn kill(mut self) {
        self.signal(libc::SIGKILL);
        self.child.wait().expect("it ends");
    }

    fn signal(&self, signal: i32) {
        // SAFETY: a call without pointers, on a child that has not been waited for.
        unsafe { libc::kill(self.child.id() as i32, signal) };
    }

    /// The recordings that there are, in the order in which they were begun.
    pub fn recordings(&self) -> Vec<PathBuf> {
        recordings(&self.directory)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// The recordings in a directory, in the order in which they were begun.
pub fn recordings(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).expect("a directory");
    let mut found: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == "rrtrace"))
        .collect();
    found.sort();
    found
}

/// Reads the status and the body of an answer, to the end of the connection.
pub fn answer(stream: &mut TcpStream) -> (u16, String) {
    let mut bytes = Vec::new();
    // Where the component fails in the middle, the connection does.
    _ = stream.read_to_end(&mut bytes);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|s| s.parse().ok());
    let is_chunked = head
        .to_ascii_lowercase()
        .contains("transfer-encoding: chunked");
    let body = match is_chunked {
        true => dechunked(body),
        false => body.to_owned(),
    };
    (status.unwrap_or(0), body)
}

fn dechunked(mut rest: &str) -> String {
    let mut body = String::new();
    while let Some((length, after)) = rest.split_once("\r\n") {
        let length = usize::from_str_radix(length.trim(), 16).unwrap_or(0);
        let Some(chunk) = after.get(..length).filter(|chunk| !chunk.is_empty()) else {
            break;
        };
        body.push_str(chunk);
        rest = after.get(length + 2..).unwrap_or("");
    }
    body
}
