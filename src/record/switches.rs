//! WASI switches, spelled as `wasmtime run -S` spells them.

/// Why a switch is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SwitchError {
    /// No switch of that name is known.
    #[error("-S {name} is not known here; known are {}", known_names())]
    Unknown {
        /// What stands before the `=`.
        name: String,
    },
    /// The switch is on or off, and the value says neither.
    #[error("-S {name} is y or n, not {value:?}")]
    NotBoolean {
        /// The switch.
        name: String,
        /// What stands after the `=`.
        value: String,
    },
    /// The switch takes a text, and none is given.
    #[error("-S {name} wants a value: -S {name}=VALUE")]
    NoValue {
        /// The switch.
        name: String,
    },
    /// The switch has one value here, and the other was asked for.
    #[error("-S {name}={value} is not possible in a recording: {why}")]
    Impossible {
        /// The switch.
        name: &'static str,
        /// What stands after the `=`, or `y`.
        value: String,
        /// Why there is but one value, in words.
        why: &'static str,
    },
}

/// Which of the world's doors a guest finds open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Switches {
    /// The interfaces of WASI itself.
    pub cli: bool,
    /// WASI 0.3 beside 0.2.
    pub p3: bool,
    /// Outgoing requests by `wasi:http`.
    pub http: bool,
    /// Whether the environment begins as that of this process; who makes
    /// [`WasiOptions::env`](super::WasiOptions::env) sees to it.
    pub inherit_env: bool,
    /// All of the host's network; opens TCP and UDP where they are not switched.
    pub inherit_network: bool,
    /// Resolving host names, by `wasi:sockets/ip-name-lookup`.
    pub allow_ip_name_lookup: bool,
    /// TCP sockets; `None` for as `inherit_network` says.
    pub tcp: Option<bool>,
    /// UDP sockets; `None` for as `inherit_network` says.
    pub udp: Option<bool>,
    /// The unstable `network-error-code` of `wasi:sockets/network`.
    pub network_error_code: bool,
    /// Standard input is the process's own; else it is empty.
    pub inherit_stdin: bool,
    /// Standard output is the process's own; else what goes there is lost.
    pub inherit_stdout: bool,
    /// Standard error is the process's own; else what goes there is lost.
    pub inherit_stderr: bool,
    /// The working directory that the guest is told of.
    pub cwd: Option<String>,
}

impl Default for Switches {
    fn default() -> Self {
        Switches {
            cli: true,
            p3: true,
            http: false,
            inherit_env: false,
            inherit_network: false,
            allow_ip_name_lookup: false,
            tcp: None,
            udp: None,
            network_error_code: false,
            inherit_stdin: true,
            inherit_stdout: true,
            inherit_stderr: true,
            cwd: None,
        }
    }
}

/// How a switch is set and told.
enum Kind {
    Boolean(fn(&mut Switches) -> &mut bool),
    Optional(fn(&mut Switches) -> &mut Option<bool>),
    Text(fn(&mut Switches) -> &mut Option<String>),
    /// Has one value here, whatever it can be elsewhere.
    Always(bool, &'static str),
}

struct Switch {
    name: &'static str,
    about: &'static str,
    kind: Kind,
}

const fn switch(name: &'static str, about: &'static str, kind: Kind) -> Switch {
    Switch { name, about, kind }
}

const KNOWN: &[Switch] = &[
    switch(
        "cli",
        "the interfaces of WASI itself (on)",
        Kind::Boolean(|s| &mut s.cli),
    ),
    switch(
        "common",
        "an old name of cli",
        Kind::Boolean(|s| &mut s.cli),
    ),
    switch(
        "p3",
        "WASI 0.3 beside 0.2 (on)",
        Kind::Boolean(|s| &mut s.p3),
    ),
    switch(
        "http",
        "outgoing requests by wasi:http",
        Kind::Boolean(|s| &mut s.http),
    ),
    switch(
        "inherit-env",
        "the environment of this process",
        Kind::Boolean(|s| &mut s.inherit_env),
    ),
    switch(
        "inherit-network",
        "all of the host's network",
        Kind::Boolean(|s| &mut s.inherit_network),
    ),
    switch(
        "allow-ip-name-lookup",
        "resolving host names",
        Kind::Boolean(|s| &mut s.allow_ip_name_lookup),
    ),
    switch(
        "tcp",
        "TCP sockets (on with inherit-network)",
        Kind::Optional(|s| &mut s.tcp),
    ),
    switch(
        "udp",
        "UDP sockets (on with inherit-network)",
        Kind::Optional(|s| &mut s.udp),
    ),
    switch(
        "network-error-code",
        "the unstable network-error-code of wasi:sockets",
        Kind::Boolean(|s| &mut s.network_error_code),
    ),
    switch(
        "inherit-stdin",
        "standard input (on)",
        Kind::Boolean(|s| &mut s.inherit_stdin),
    ),
    switch(
        "inherit-stdout",
        "standard output (on)",
        Kind::Boolean(|s| &mut s.inherit_stdout),
    ),
    switch(
        "inherit-stderr",
        "standard error (on)",
        Kind::Boolean(|s| &mut s.inherit_stderr),
    ),
    switch(
        "cwd",
        "the working directory that the guest is told of",
        Kind::Text(|s| &mut s.cwd),
    ),
    switch(
        "cli-exit-with-code",
        "exit statuses other than 0 and 1 (always on)",
        Kind::Always(true, "it is part of WASI now"),
    ),
    switch(
        "preview2",
        "core modules run as components (always on)",
        Kind::Always(true, "a core module is made into a component"),
    ),
    switch(
        "preview0",
        "modules of the wasi_unstable days (always off)",
        Kind::Always(false, "there is no adapter for wasi_unstable"),
    ),
];

fn known_names() -> String {
    let names: Vec<&str> = KNOWN.iter().map(|switch| switch.name).collect();
    names.join(", ")
}

impl Switches {
    /// Sets one switch, `NAME` or `NAME=VALUE`.
    ///
    /// # Errors
    ///
    /// If there is no such switch, or it cannot have that value.
    pub fn set(&mut self, text: &str) -> Result<(), SwitchError> {
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (text, None),
        };
        let switch = KNOWN
            .iter()
            .find(|switch| switch.name == name)
            .ok_or_else(|| SwitchError::Unknown { name: name.into() })?;
        match switch.kind {
            Kind::Boolean(of) => *of(self) = boolean(name, value)?,
            Kind::Optional(of) => *of(self) = Some(boolean(name, value)?),
            Kind::Text(of) => {
                let text = value.ok_or_else(|| SwitchError::NoValue { name: name.into() })?;
                *of(self) = Some(text.to_owned());
            }
            Kind::Always(on, why) => {
                if boolean(name, value)? != on {
                    return Err(SwitchError::Impossible {
                        name: switch.name,
                        value: value.unwrap_or("y").to_owned(),
                        why,
                    });
                }
            }
        }
        Ok(())
    }

    /// The switches that do not stand as they do by default, each as it would be
    /// spelled.
    pub fn spelled(&self) -> Vec<String> {
        let (mut set, mut default) = (self.clone(), Switches::default());
        KNOWN
            .iter()
            .filter(|switch| switch.name != "common")
            .filter_map(|switch| {
                let value = switch.kind.told(&mut set)?;
                let usual = switch.kind.told(&mut default);
                (Some(&value) != usual.as_ref()).then(|| format!("{}={value}", switch.name))
            })
            .collect()
    }

    /// What there is to switch, for `-S help`.
    pub fn help() -> String {
        KNOWN.iter().fold(String::new(), |help, switch| {
            let value = match switch.kind {
                Kind::Text(_) => "=TEXT",
                _ => "[=y|n]",
            };
            let name = format!("{}{value}", switch.name);
            format!("{help}  -S {name:<28} {}\n", switch.about)
        })
    }
}

impl Kind {
    fn told(&self, switches: &mut Switches) -> Option<String> {
        let spelled = |on: bool| if on { "y" } else { "n" }.to_owned();
        match self {
            Kind::Boolean(of) => Some(spelled(*of(switches))),
            Kind::Optional(of) => of(switches).map(spelled),
            Kind::Text(of) => of(switches).clone(),
            Kind::Always(..) => None,
        }
    }
}

fn boolean(name: &str, value: Option<&str>) -> Result<bool, SwitchError> {
    match value {
        None | Some("y" | "yes" | "true") => Ok(true),
        Some("n" | "no" | "false") => Ok(false),
        Some(other) => Err(SwitchError::NotBoolean {
            name: name.to_owned(),
            value: other.to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_sets_the_same_again() {
        let mut switches = Switches::default();
        assert!(switches.spelled().is_empty());
        for text in [
            "http",
            "tcp=n",
            "inherit-stdin=false",
            "cwd=/a=b",
            "common=n",
        ] {
            switches.set(text).unwrap();
        }
        let mut again = Switches::default();
        for text in switches.spelled() {
            again.set(&text).unwrap();
        }
        assert_eq!(again, switches);
        assert!(!again.cli && again.tcp == Some(false) && again.cwd.as_deref() == Some("/a=b"));
    }

    #[test]
    fn a_wrong_switch_is_named() {
        for (text, says) in [
            ("htpt", "known are cli, common"),
            ("http=maybe", "y or n"),
            ("cwd", "cwd=VALUE"),
            ("preview2=n", "made into a component"),
        ] {
            let error = Switches::default().set(text).unwrap_err().to_string();
            assert!(error.contains(says), "{error:?} should say {says:?}");
        }
    }
}
