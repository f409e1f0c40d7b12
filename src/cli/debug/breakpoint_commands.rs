//! The commands for breakpoints: to set them, change them and list them.

use super::breakpoints::{Breakpoint, Lifetime};
use super::places::{self, Spot, Wanted};
use super::prompt::{Done, Next, Prompt};
use anyhow::{Context, bail};
use serde::Deserialize;
use serde_json::json;

pub(super) fn set(prompt: &mut Prompt, arguments: &str) -> Done {
    let wanted = places::parse(prompt, arguments)?;
    prompt.add_and_tell(wanted, Lifetime::Kept)
}

pub(super) fn set_once(prompt: &mut Prompt, arguments: &str) -> Done {
    let wanted = places::parse(prompt, arguments)?;
    prompt.add_and_tell(wanted, Lifetime::OneStop)
}

pub(super) fn watch(prompt: &mut Prompt, arguments: &str) -> Done {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Info {
        data_id: Option<String>,
        description: String,
    }
    let (all, arguments) = match arguments.strip_prefix("--all") {
        Some(rest) if rest.is_empty() || rest.starts_with(char::is_whitespace) => {
            (true, rest.trim_start())
        }
        _ => (false, arguments),
    };
    if arguments.is_empty() {
        bail!("watch what? `watch EXPRESSION`, such as a variable or a field");
    }
    if !prompt.watches() {
        bail!(
            "this server cannot stop at writes; `break LINE if CONDITION` and \
             `reverse-continue` find where a value changed"
        );
    }
    let (expression, condition) = places::condition(arguments);
    let frame = prompt.looked_at()?;
    let asked = json!({ "name": expression, "frameId": frame.id });
    let info: Info = prompt.client.ask("dataBreakpointInfo", asked)?;
    let Some(id) = info.data_id else {
        bail!("{expression} cannot be watched: {}", info.description);
    };
    let spot = Spot::Data {
        id,
        expression: expression.to_owned(),
        all,
    };
    prompt.add_and_tell(Wanted { spot, condition }, Lifetime::Kept)
}

pub(super) fn condition(prompt: &mut Prompt, arguments: &str) -> Done {
    prompt.change(arguments, |breakpoint, condition| {
        breakpoint.wanted.condition = condition;
        Ok(())
    })
}

pub(super) fn hits(prompt: &mut Prompt, arguments: &str) -> Done {
    prompt.change(arguments, |breakpoint, hits| {
        if matches!(breakpoint.wanted.spot, Spot::Event { .. }) {
            bail!("hits are counted at breakpoints, not at what `catch` and hostcalls stop at");
        }
        breakpoint.hits = hits;
        Ok(())
    })
}

/// From now on, not from the recording's start as `hits` counts.
pub(super) fn ignore(prompt: &mut Prompt, arguments: &str) -> Done {
    let (number, count) = numbered(arguments)?;
    let count = count.and_then(|count| count.parse().ok());
    let count = count.context("how many times? `ignore N COUNT`")?;
    prompt.breakpoints.find(number)?.passes = count;
    prompt.say(&match count {
        0 => format!("Will stop next time breakpoint {number} is reached."),
        1 => format!("Will ignore next crossing of breakpoint {number}."),
        more => format!("Will ignore next {more} crossings of breakpoint {number}."),
    })?;
    Ok(Next::Continue)
}

pub(super) fn log(prompt: &mut Prompt, arguments: &str) -> Done {
    prompt.change(arguments, |breakpoint, text| {
        if !matches!(breakpoint.wanted.spot, Spot::Line { .. }) {
            bail!("only breakpoints at lines can log: `break FILE:LINE` sets one");
        }
        let unquoted = |text: String| {
            let inner = text
                .strip_prefix('"')
                .and_then(|text| text.strip_suffix('"'));
            inner.map(str::to_owned).unwrap_or(text)
        };
        breakpoint.log = text.map(unquoted);
        Ok(())
    })
}

pub(super) fn delete(prompt: &mut Prompt, arguments: &str) -> Done {
    for number in prompt.meant(arguments)? {
        prompt.forget_breakpoint(number)?;
    }
    Ok(Next::Continue)
}

pub(super) fn disable(prompt: &mut Prompt, arguments: &str) -> Done {
    prompt.enable(arguments, false)
}

pub(super) fn enable(prompt: &mut Prompt, arguments: &str) -> Done {
    prompt.enable(arguments, true)
}

/// The number that comes first, and the rest.
fn numbered(arguments: &str) -> anyhow::Result<(usize, Option<String>)> {
    let (number, rest) = arguments
        .split_once(char::is_whitespace)
        .unwrap_or((arguments, ""));
    let number = number.parse().ok().with_context(|| {
        format!("`{number}` is not a breakpoint; `info breakpoints` lists them")
    })?;
    Ok((
        number,
        Some(rest.trim().to_owned()).filter(|rest| !rest.is_empty()),
    ))
}

impl Prompt {
    pub(super) fn add_and_tell(&mut self, wanted: Wanted, lifetime: Lifetime) -> Done {
        let number = self.add_breakpoint(wanted, lifetime)?;
        let told = self.breakpoints.find(number)?.told();
        self.say(&told)?;
        Ok(Next::Continue)
    }

    /// Changes a breakpoint, or leaves it as it was if the server does not take the change.
    fn change(
        &mut self,
        arguments: &str,
        change: impl FnOnce(&mut Breakpoint, Option<String>) -> anyhow::Result<()>,
    ) -> Done {
        let (number, rest) = numbered(arguments)?;
        let breakpoint = self.breakpoints.find(number)?;
        let before = (
            breakpoint.wanted.clone(),
            breakpoint.hits.clone(),
            breakpoint.log.clone(),
        );
        change(breakpoint, rest)?;
        if let Err(error) = self.tell_of(number) {
            let breakpoint = self.breakpoints.find(number)?;
            (breakpoint.wanted, breakpoint.hits, breakpoint.log) = before;
            self.tell_of(number)?;
            return Err(error);
        }
        let told = self.breakpoints.find(number)?.told();
        self.say(&told)?;
        Ok(Next::Continue)
    }

    fn enable(&mut self, arguments: &str, is_enabled: bool) -> Done {
        for number in self.meant(arguments)? {
            self.breakpoints.find(number)?.is_enabled = is_enabled;
            self.tell_of(number)?;
        }
        Ok(Next::Continue)
    }

    /// The breakpoints that numbers name; all, without numbers.
    fn meant(&mut self, arguments: &str) -> anyhow::Result<Vec<usize>> {
        let mut meant = Vec::new();
        for word in arguments.split_whitespace() {
            let (number, _) = numbered(word)?;
            meant.push(self.breakpoints.find(number)?.number);
        }
        match arguments {
            "" => Ok(self.breakpoints.numbers()),
            _ => Ok(meant),
        }
    }

    pub(super) fn list_breakpoints(&self) -> Done {
        self.list_those(
            |_| true,
            "There are no breakpoints; `break`, `watch` and `catch` set them.",
        )
    }

    pub(super) fn list_watchpoints(&self) -> Done {
        self.list_those(
            |breakpoint| matches!(breakpoint.wanted.spot, Spot::Data { .. }),
            "There are no watchpoints; `watch EXPRESSION` sets one.",
        )
    }

    fn list_those(&self, is_meant: impl Fn(&Breakpoint) -> bool, nothing: &str) -> Done {
        let mut is_empty = true;
        for breakpoint in self.breakpoints.list.iter().filter(|b| is_meant(b)) {
            is_empty = false;
            let state = match (breakpoint.is_enabled, breakpoint.lifetime) {
                (false, _) => " (disabled)",
                (true, Lifetime::OneStop) => " (once)",
                (true, _) => "",
            };
            let stops = match breakpoint.stops {
                0 => String::new(),
                1 => ", hit once".to_owned(),
                often => format!(", hit {often} times"),
            };
            self.say(&format!("{}{stops}{state}", breakpoint.told()))?;
            for command in &breakpoint.commands {
                self.say(&format!("    {command}"))?;
            }
        }
        if is_empty {
            self.say(nothing)?;
        }
        Ok(Next::Continue)
    }
}
