//! `--handles` and `--chaos`: what the host chooses at random, and by which seeds.

use super::terminal::tell;
use crate::record::Dials;
use clap::Args;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use std::ffi::OsString;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::str::FromStr;

#[derive(Debug, Clone, Copy, Args)]
pub(super) struct DialsGiven {
    /// Give handles indices that are random and are not used again, so that a guest that mixes
    /// them up traps. With a SEED, the same ones as with that SEED before.
    #[arg(long, value_name = "shuffle[:SEED]")]
    pub(super) handles: Option<ShuffleGiven>,
    /// Let the host do what WASI allows and hosts hardly ever do: reads and writes of less than
    /// was asked for, what is ready in any order. With a SEED, the same as with that SEED before.
    #[arg(
        long,
        value_name = "SEED",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = ""
    )]
    pub(super) chaos: Option<SeedGiven>,
}

/// The value of `--handles`.
#[derive(Debug, Clone, Copy)]
pub(super) struct ShuffleGiven(SeedGiven);

/// A seed, if one was given.
#[derive(Debug, Clone, Copy)]
pub(super) struct SeedGiven(Option<u32>);

impl FromStr for SeedGiven {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "" => Ok(SeedGiven(None)),
            text => text
                .parse()
                .map(|seed| SeedGiven(Some(seed)))
                .map_err(|_| "a seed is a whole number from 0 to 4294967295".into()),
        }
    }
}

impl FromStr for ShuffleGiven {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            None if text == "shuffle" => Ok(ShuffleGiven(SeedGiven(None))),
            Some(("shuffle", seed)) if !seed.is_empty() => seed.parse().map(ShuffleGiven),
            _ => Err("it is shuffle or shuffle:SEED".into()),
        }
    }
}

impl ShuffleGiven {
    /// The seed, or one that is chosen now.
    fn seed(self) -> u32 {
        self.0.seed()
    }
}

impl SeedGiven {
    fn seed(self) -> u32 {
        let chosen = || {
            let random = RandomState::new().build_hasher().finish();
            (random & u64::from(u32::MAX)) as u32
        };
        self.0.unwrap_or_else(chosen)
    }
}

impl DialsGiven {
    pub(super) fn is_empty(self) -> bool {
        self.handles.is_none() && self.chaos.is_none()
    }

    /// The dials, with seeds chosen where none are given.
    pub(super) fn turned(self) -> Dials {
        Dials {
            handles: self.handles.map(ShuffleGiven::seed),
            chaos: self.chaos.map(SeedGiven::seed),
        }
    }

    /// Says which seeds were chosen, for those who want to repeat it.
    pub(super) fn tell_chosen(self, dials: Dials) {
        let chosen = Dials {
            handles: dials
                .handles
                .filter(|_| self.handles.is_some_and(|given| given.0.0.is_none())),
            chaos: dials
                .chaos
                .filter(|_| self.chaos.is_some_and(|given| given.0.is_none())),
        };
        if let Some(spelled) = spelled(chosen) {
            tell(format_args!(
                "rr-dap: chosen at random; to repeat it: {spelled}"
            ));
        }
    }
}

/// The options that turn dials so; `None` if none is turned.
pub(super) fn spelled(dials: Dials) -> Option<String> {
    let handles = dials
        .handles
        .map(|seed| format!("--handles=shuffle:{seed}"));
    let chaos = dials.chaos.map(|seed| format!("--chaos={seed}"));
    let options: Vec<String> = handles.into_iter().chain(chaos).collect();
    (!options.is_empty()).then(|| options.join(" "))
}

const CHAOS: &str = "--chaos:";

/// The command line with `--chaos=SEED` where it was not understood for a `--chaos:SEED`, as
/// people write who have just written `--handles=shuffle:SEED`.
pub(super) fn respelled(error: &clap::Error, arguments: &[OsString]) -> Option<Vec<OsString>> {
    let ErrorKind::UnknownArgument = error.kind() else {
        return None;
    };
    let Some(ContextValue::String(unknown)) = error.get(ContextKind::InvalidArg) else {
        return None;
    };
    let seed = unknown.strip_prefix(CHAOS)?;
    let at = arguments
        .iter()
        .position(|argument| argument.to_str() == Some(unknown))?;
    let mut respelled = arguments.to_vec();
    if let Some(argument) = respelled.get_mut(at) {
        *argument = format!("--chaos={seed}").into();
    }
    Some(respelled)
}
