//! The Debug Adapter Protocol: frames and messages, and a whole session that gets them.

use super::Reached;
use rr_dap::dap::protocol::framing::{FrameError, MAX_MESSAGE, read_frame, write_frame};
use rr_dap::dap::protocol::{Incoming, codec};
use rr_dap::dap::transport::Server;
use rr_dap::debuggee::launch::{AttachArguments, LaunchArguments};
use rr_dap::debuggee::{Debuggee, Halt, LaunchError, Launcher, Output};
use std::io::{self, Cursor};
use std::sync::Arc;

/// Reads what a client may send; then a session without a debuggee answers it.
pub fn dap(bytes: &[u8]) -> Reached {
    let mut rest = bytes;
    let mut requests = 0;
    let reached = loop {
        match read_frame(&mut rest) {
            Ok(None) => break Reached::End,
            Ok(Some(body)) => {
                assert!(body.len() as u64 <= MAX_MESSAGE);
                read_back(&body);
                match codec::decode(&body) {
                    Ok(Incoming::Request(_)) => requests += 1,
                    Ok(Incoming::Response) => {}
                    Err(malformed) => assert!(!malformed.to_string().is_empty()),
                }
            }
            Err(error) => {
                assert!(!matches!(error, FrameError::Io(_)), "{error}");
                assert!(!error.to_string().is_empty());
                if !error.is_recoverable() {
                    break Reached::Refused;
                }
            }
        }
    };
    serve(bytes);
    match reached {
        Reached::End if requests == 0 => Reached::Wrong,
        other => other,
    }
}

/// What is written is read back.
fn read_back(body: &[u8]) {
    let mut frame = Vec::new();
    write_frame(&mut frame, body).expect("a vector takes all");
    let read = read_frame(&mut frame.as_slice()).expect("a whole frame");
    assert_eq!(read.as_deref(), Some(body));
}

/// A session ends when its client has gone, whatever that has sent.
fn serve(bytes: &[u8]) {
    let server = Server::new(Arc::new(Nothing));
    server.serve(Cursor::new(bytes.to_vec()), Box::new(io::sink()));
}

/// There is nothing to debug.
struct Nothing;

impl Launcher for Nothing {
    fn launch(
        &self,
        _: &LaunchArguments,
        _: &dyn Output,
        _: &Halt,
    ) -> Result<Box<dyn Debuggee>, LaunchError> {
        Err(LaunchError::Failed("there is nothing here".into()))
    }

    fn attach(
        &self,
        _: &AttachArguments,
        _: &dyn Output,
        _: &Halt,
    ) -> Result<Box<dyn Debuggee>, LaunchError> {
        Err(LaunchError::Failed("there is nothing here".into()))
    }
}
