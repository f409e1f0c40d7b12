//! Who may ask: a server that listens may want a word that its clients know.

use super::protocol::{Refusal, Request};
use sha2::{Digest, Sha256};
use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::time::{Duration, Instant};

/// What clients say to be let in: the `token` of their `launch` or `attach`.
#[derive(Clone)]
pub struct Token {
    /// Digests are of one length, and tell nothing about each other: comparing them takes
    /// the same time whatever was said.
    digest: [u8; 32],
}

/// What cannot be a token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// There is nothing in it.
    #[error("the token is empty: anybody would know it")]
    Empty,
    /// Its file cannot be read as text.
    #[error("the token cannot be read from {}: {source}", path.display())]
    File {
        /// The file of `--token-file`.
        path: std::path::PathBuf,
        /// Why, in the system's words.
        source: std::io::Error,
    },
}

impl FromStr for Token {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        match text.is_empty() {
            true => Err(TokenError::Empty),
            false => Ok(Token {
                digest: Sha256::digest(text).into(),
            }),
        }
    }
}

impl Token {
    /// The one that a file holds, without the blanks and line ends around it.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or holds nothing.
    pub fn read(path: &Path) -> Result<Self, TokenError> {
        let text = std::fs::read_to_string(path).map_err(|source| TokenError::File {
            path: path.to_owned(),
            source,
        })?;
        text.trim().parse()
    }

    fn is(&self, said: &str) -> bool {
        let said: [u8; 32] = Sha256::digest(said).into();
        let pairs = self.digest.iter().zip(said);
        pairs.fold(0, |differs, (one, other)| differs | (one ^ other)) == 0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// What stands between a client and a session.
#[derive(Debug)]
pub(super) enum Door {
    Open,
    /// Until the client has said this, which it must by then.
    Locked(Token, Instant),
}

impl Door {
    pub(super) fn new(token: Option<Token>, knocking: Duration) -> Door {
        let until = Instant::now() + knocking;
        token.map_or(Door::Open, |token| Door::Locked(token, until))
    }

    /// How long the client has still time to be let in, if it has not been.
    pub(super) fn left(&self) -> Option<Duration> {
        match self {
            Door::Open => None,
            Door::Locked(_, until) => Some(until.saturating_duration_since(Instant::now())),
        }
    }

    /// Lets a request in, or says why the session is over.
    pub(super) fn admit(&mut self, request: &Request) -> Result<(), Refusal> {
        let Door::Locked(token, _) = self else {
            return Ok(());
        };
        let said = match request.command.as_str() {
            // What the server can do is no secret, and clients have nothing to say it in.
            "initialize" => return Ok(()),
            "launch" | "attach" => request
                .arguments
                .get("token")
                .and_then(|said| said.as_str()),
            _ => None,
        };
        match said {
            Some(said) if token.is(said) => {
                *self = Door::Open;
                Ok(())
            }
            Some(_) => Err(Refusal::because(
                "the token is wrong: give the one that the server was started with as `token` of \
                 the launch configuration",
            )),
            None => Err(Refusal::because(
                "this server wants a token: give the one that it was started with as `token` of \
                 the launch configuration",
            )),
        }
    }
}
