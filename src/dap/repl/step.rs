//! `back …`, `hostcall …`: the steps that the protocol has no request for.

use super::{ConsoleCommand, Context, Effect, Ran, no_arguments};
use crate::timeline::travel::motion::{Direction, HostcallFilter, Motion, Step};

pub(super) const BACK_INTO: ConsoleCommand = ConsoleCommand {
    words: "back in",
    also: &["reverse step in"],
    arguments: "",
    about: "step back into the call that returned last",
    run: |_, more| back(more, Motion::Line(Direction::Backward, Step::Into)),
};
pub(super) const BACK_OUT: ConsoleCommand = ConsoleCommand {
    words: "back out",
    also: &["reverse step out"],
    arguments: "",
    about: "step back to where this function was called",
    run: |_, more| back(more, Motion::Line(Direction::Backward, Step::Out)),
};
pub(super) const BACK_INSTRUCTION: ConsoleCommand = ConsoleCommand {
    words: "back instruction",
    also: &[],
    arguments: "",
    about: "step back one instruction",
    run: |_, more| back(more, Motion::Instruction(Direction::Backward, Step::Into)),
};
pub(super) const HOSTCALL_NEXT: ConsoleCommand = ConsoleCommand {
    words: "hostcall next",
    also: &["next hostcall"],
    arguments: "[--builtins] [failed] [PATH]",
    about: "go to the next hostcall; only to a failed one, or to one with this in its WIT path; with `--builtins` also to the component model's own built-ins",
    run: |_, more| to_hostcall(more, Direction::Forward),
};
pub(super) const HOSTCALL_PREVIOUS: ConsoleCommand = ConsoleCommand {
    words: "hostcall prev",
    also: &["previous hostcall", "prev hostcall", "hostcall previous"],
    arguments: "[--builtins] [failed] [PATH]",
    about: "go back to the previous hostcall; only to a failed one, or to one with this in its WIT path; with `--builtins` also to the component model's own built-ins",
    run: |_, more| to_hostcall(more, Direction::Backward),
};
pub(super) const HOSTCALL_OVER: ConsoleCommand = ConsoleCommand {
    words: "hostcall over",
    also: &["over hostcall"],
    arguments: "[--builtins] [--result]",
    about: "go to where this hostcall, or the next one, has just been answered; with `--result`, to where the program is told of its result",
    run: |context, more| over(context, more, Direction::Forward),
};
pub(super) const HOSTCALL_BACK: ConsoleCommand = ConsoleCommand {
    words: "hostcall back",
    also: &["back hostcall"],
    arguments: "[--builtins] [--result]",
    about: "go back over the hostcall that was answered last; with `--result`, to the one whose result the program was told of last",
    run: |context, more| over(context, more, Direction::Backward),
};

fn back(arguments: &str, motion: Motion) -> Ran {
    no_arguments(arguments)?;
    let say = "stepping back".to_owned();
    Ok(Effect::Travel { say, motion })
}

fn over(context: &mut Context<'_>, arguments: &str, direction: Direction) -> Ran {
    let (builtins, arguments) = without("--builtins", arguments);
    let (to_result, arguments) = without("--result", &arguments);
    no_arguments(&arguments)?;
    let way = match direction {
        Direction::Forward => "forward",
        Direction::Backward => "back",
    };
    if to_result {
        let say = match direction {
            Direction::Forward => "going to the result of a hostcall",
            Direction::Backward => "going back to the hostcall of a result",
        };
        return Ok(Effect::Travel {
            say: say.to_owned(),
            motion: context.debuggee.to_result(direction, context.interrupt)?,
        });
    }
    let filter = HostcallFilter {
        builtins,
        ..HostcallFilter::MEANT
    };
    Ok(Effect::Travel {
        say: format!("stepping {way} over a hostcall"),
        motion: Motion::OverHostcall(direction, filter),
    })
}

fn to_hostcall(arguments: &str, direction: Direction) -> Ran {
    let filter = filter(arguments);
    let which = match direction {
        Direction::Forward => "next",
        Direction::Backward => "previous",
    };
    let failed = if filter.failed { " failed" } else { "" };
    let like = match filter.path.as_str() {
        "" => String::new(),
        path => format!(" like {path}"),
    };
    Ok(Effect::Travel {
        say: format!("going to the {which}{failed} hostcall{like}"),
        motion: Motion::Hostcall(direction, filter),
    })
}

/// Takes an option out of the words, wherever it is.
fn without(option: &str, arguments: &str) -> (bool, String) {
    let mut words: Vec<&str> = arguments.split_whitespace().collect();
    let all = words.len();
    words.retain(|word| *word != option);
    (words.len() < all, words.join(" "))
}

/// `[--builtins] [failed] [PATH]`
pub(super) fn filter(arguments: &str) -> HostcallFilter {
    let (builtins, arguments) = without("--builtins", arguments);
    let (failed, path) = match arguments.split_once(char::is_whitespace) {
        Some(("failed", path)) => (true, path.trim()),
        None if arguments == "failed" => (true, ""),
        _ => (false, &*arguments),
    };
    HostcallFilter {
        path: path.to_owned(),
        failed,
        builtins,
        ..HostcallFilter::MEANT
    }
}
