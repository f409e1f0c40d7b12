//! The socket of a client, of whatever kind.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
#[cfg(unix)]
use std::os::fd::AsRawFd;
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// What a session needs of the socket of its client.
pub(super) trait Connection: Read + Write + Send + Sized + 'static {
    /// Makes it fit for a conversation.
    fn prepare(&self) -> io::Result<()>;

    fn copy(&self) -> io::Result<Self>;

    /// Reading and writing take no longer than this each.
    fn hurry(&self, at_most: Duration) -> io::Result<()>;

    /// Ends the conversation, for all copies.
    fn hang_up(&self);
}

impl Connection for TcpStream {
    fn prepare(&self) -> io::Result<()> {
        // A debugger's messages are small and waited for.
        self.set_nodelay(true)?;
        #[cfg(unix)]
        notice_absence(self)?;
        Ok(())
    }

    fn copy(&self) -> io::Result<Self> {
        self.try_clone()
    }

    fn hurry(&self, at_most: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(at_most))?;
        self.set_write_timeout(Some(at_most))
    }

    fn hang_up(&self) {
        let _ = self.shutdown(Shutdown::Both);
    }
}

#[cfg(unix)]
impl Connection for UnixStream {
    fn prepare(&self) -> io::Result<()> {
        Ok(())
    }

    fn copy(&self) -> io::Result<Self> {
        self.try_clone()
    }

    fn hurry(&self, at_most: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(at_most))?;
        self.set_write_timeout(Some(at_most))
    }

    fn hang_up(&self) {
        let _ = self.shutdown(Shutdown::Both);
    }
}

/// A machine that is gone from the network does not say so: it is asked now and then.
#[cfg(unix)]
fn notice_absence(client: &TcpStream) -> io::Result<()> {
    let on: libc::c_int = 1;
    // SAFETY: the option's value is an `int`, which is there during the call; the
    // socket is open, as it is borrowed.
    let set = unsafe {
        libc::setsockopt(
            client.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_KEEPALIVE,
            (&raw const on).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        )
    };
    match set {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
