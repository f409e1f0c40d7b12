//! Where a server listens, and why it cannot.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::str::FromStr;

/// Where to listen: `PORT`, `HOST:PORT` or `unix:PATH`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// Loopback where only a port was given.
    Tcp(String),
    /// The path of a Unix socket.
    Unix(PathBuf),
}

/// What is not an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an address to listen on: give PORT, HOST:PORT or unix:PATH")]
pub struct AddressError(String);

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let wrong = || AddressError(text.to_owned());
        if let Some(path) = text.strip_prefix("unix:") {
            return match path.is_empty() {
                true => Err(wrong()),
                false => Ok(Address::Unix(path.into())),
            };
        }
        let (host, port) = text.rsplit_once(':').unwrap_or(("", text));
        let port: u16 = port.parse().map_err(|_| wrong())?;
        let host = match host {
            "" => "127.0.0.1",
            host => host,
        };
        Ok(Address::Tcp(format!("{host}:{port}")))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Tcp(address) => f.write_str(address),
            Address::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// Why a server cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The system refuses.
    #[error("cannot listen on {address}: {cause}")]
    Bind {
        /// The address that was asked for.
        address: Address,
        /// Why, in the system's words.
        cause: io::Error,
    },
    /// The path of a Unix socket at which another server takes clients.
    #[error("cannot listen on {0}: another server listens there")]
    InUse(Address),
    /// A path at which something else is, that must not be lost.
    #[error(
        "cannot listen on {0}: a file that is not a socket is there; remove it or choose another path"
    )]
    NotASocket(Address),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_loopback_unless_told_otherwise() {
        for (text, address) in [
            ("0", Address::Tcp("127.0.0.1:0".into())),
            (":4711", Address::Tcp("127.0.0.1:4711".into())),
            ("0.0.0.0:1", Address::Tcp("0.0.0.0:1".into())),
            ("[::1]:1", Address::Tcp("[::1]:1".into())),
            ("localhost:1", Address::Tcp("localhost:1".into())),
            ("unix:/tmp/s", Address::Unix("/tmp/s".into())),
        ] {
            assert_eq!(text.parse(), Ok(address));
        }
        for wrong in ["", "unix:", "host", "1:99999", "127.0.0.1"] {
            assert!(wrong.parse::<Address>().is_err(), "{wrong:?}");
        }
    }
}
