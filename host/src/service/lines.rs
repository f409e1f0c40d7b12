//! What the guests of a service print: whole lines of many instances on one stream, each with
//! a word before it that says whose it is.

use bytes::Bytes;
use std::io::{self, Write as _};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError, StreamResult};

/// Where what is printed goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// A stream of one instance. Clones are the same stream.
#[derive(Debug, Clone)]
pub struct Lines {
    stream: Stream,
    prefix: Arc<str>,
    /// What has come of a line that has not ended.
    begun: Arc<Mutex<Vec<u8>>>,
}

/// A line that is longer is written in pieces.
const LONGEST: usize = 64 << 10;

impl Lines {
    /// Of an instance whose lines begin with this.
    pub fn new(stream: Stream, prefix: String) -> Lines {
        Lines {
            stream,
            prefix: prefix.into(),
            begun: Arc::default(),
        }
    }

    fn take(&self, bytes: &[u8]) -> io::Result<()> {
        // Nothing panics while it is held.
        let mut begun = self.begun.lock().unwrap_or_else(|e| e.into_inner());
        let mut whole = Vec::new();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            begun.extend_from_slice(piece);
            if piece.ends_with(b"\n") || begun.len() >= LONGEST {
                whole.extend_from_slice(self.prefix.as_bytes());
                whole.append(&mut begun);
                if !whole.ends_with(b"\n") {
                    whole.push(b'\n');
                }
            }
        }
        self.print(&whole)
    }

    fn print(&self, whole: &[u8]) -> io::Result<()> {
        if whole.is_empty() {
            return Ok(());
        }
        match self.stream {
            Stream::Out => {
                let mut out = io::stdout().lock();
                out.write_all(whole)?;
                out.flush()
            }
            Stream::Err => io::stderr().lock().write_all(whole),
        }
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        if Arc::strong_count(&self.begun) > 1 {
            return;
        }
        let begun = std::mem::take(&mut *self.begun.lock().unwrap_or_else(|e| e.into_inner()));
        if !begun.is_empty() {
            // Nobody is left to be told that it failed.
            _ = self.print(&[self.prefix.as_bytes(), &begun, b"\n"].concat());
        }
    }
}

impl IsTerminal for Lines {
    fn is_terminal(&self) -> bool {
        match self.stream {
            Stream::Out => io::IsTerminal::is_terminal(&io::stdout()),
            Stream::Err => io::IsTerminal::is_terminal(&io::stderr()),
        }
    }
}

impl StdoutStream for Lines {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[async_trait::async_trait]
impl Pollable for Lines {
    async fn ready(&mut self) {}
}

impl OutputStream for Lines {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        let failed = |error: io::Error| StreamError::LastOperationFailed(error.into());
        self.take(&bytes).map_err(failed)
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(1 << 20)
    }
}

impl AsyncWrite for Lines {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(self.take(bytes).map(|()| bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
