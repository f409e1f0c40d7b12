//! What the timeline and its replayers say to each other, over a Unix socket:
//! messages in postcard encoding, each after its length (`u32`, little-endian).
//!
//! `greeting` has the first messages; `ask` what can be asked after those, and the type of
//! each answer; `run`, `rows` and `breaks` what a replayer is told to look for; `found`
//! what it finds. Whatever else comes over the socket is a [`WireError`].

pub(crate) mod ask;
pub(crate) mod breaks;
pub(crate) mod found;
pub(crate) mod greeting;
pub(crate) mod rows;
pub(crate) mod run;
pub(crate) mod told;

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::{self, Read, Write};

/// No message is larger: memory is read in pieces.
const MAX_MESSAGE: u32 = 256 << 20;

/// Why nothing was received.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WireError {
    /// The other side is gone.
    #[error(transparent)]
    Gone(#[from] io::Error),
    /// The other side is there, and says what it should not say here.
    #[error("a message of {0} bytes is too long")]
    TooLong(u32),
    #[error("a message is not what was waited for: {0}")]
    Other(postcard::Error),
    #[error("a message goes on for {0} bytes after its end")]
    GoesOn(usize),
}

/// Sends a message.
///
/// # Errors
///
/// If the other side is gone.
pub(crate) fn send(to: &mut impl Write, message: &impl Serialize) -> io::Result<()> {
    let bytes = postcard::to_allocvec(message).map_err(io::Error::other)?;
    let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
    let mut framed = length.to_le_bytes().to_vec();
    framed.extend_from_slice(&bytes);
    to.write_all(&framed)
}

/// Receives a message.
///
/// # Errors
///
/// If the other side is gone, or says something else.
pub(crate) fn receive<T: DeserializeOwned>(from: &mut impl Read) -> Result<T, WireError> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length);
    if length > MAX_MESSAGE {
        return Err(WireError::TooLong(length));
    }
    // Memory is taken for what has come, not for what is promised.
    let mut bytes = Vec::new();
    from.take(u64::from(length)).read_to_end(&mut bytes)?;
    if bytes.len() < length as usize {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
    }
    match postcard::take_from_bytes(&bytes) {
        Ok((message, [])) => Ok(message),
        Ok((_, rest)) => Err(WireError::GoesOn(rest.len())),
        Err(error) => Err(WireError::Other(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::Tick;

    fn received<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, WireError> {
        receive(&mut &*bytes)
    }

    #[test]
    fn what_is_sent_is_received() {
        let mut sent = Vec::new();
        send(&mut sent, &vec![Tick(1), Tick(300)]).expect("memory has room");
        let received: Vec<Tick> = received(&sent).expect("what was sent");
        assert_eq!(received, [Tick(1), Tick(300)]);
    }

    #[test]
    fn what_is_not_a_message_is_told_from_an_end() {
        let mut sent = Vec::new();
        send(&mut sent, &(Tick(7), "text".to_owned())).expect("memory has room");
        // Cut off anywhere, it is the end of whoever sent it.
        for end in 0..sent.len() {
            let cut: Result<(Tick, String), _> = received(&sent[..end]);
            assert!(matches!(cut, Err(WireError::Gone(_))), "{end}: {cut:?}");
        }
        let other: Result<Tick, _> = received(&sent);
        assert!(matches!(other, Err(WireError::GoesOn(5))), "{other:?}");
        let other: Result<(Tick, Vec<String>), _> = received(&sent);
        assert!(matches!(other, Err(WireError::Other(_))), "{other:?}");
        let other: Result<Tick, _> = received(&u32::MAX.to_le_bytes());
        assert!(matches!(other, Err(WireError::TooLong(_))), "{other:?}");
        // A length is a promise: nothing is taken for it before it is kept.
        let promise: Result<Tick, _> = received(&MAX_MESSAGE.to_le_bytes());
        assert!(matches!(promise, Err(WireError::Gone(_))), "{promise:?}");
    }
}
