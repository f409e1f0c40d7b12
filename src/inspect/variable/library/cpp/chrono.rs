//! C++'s durations, with their units, and points in time.

use super::Library;
use crate::inspect::variable::place::Unavailable;
use crate::inspect::variable::scalar::Number;
use crate::inspect::variable::value::{Field, Of, Value, View};

/// What a duration or a point in time shows; `None` where its layout is another.
pub(super) fn view(value: &Library<'_>) -> Result<Option<View>, Unavailable> {
    let (count, duration) = match value.kind {
        "duration" => (value.part("__rep_"), None),
        _ => match value.part("__d_") {
            Some(duration) => (value.within(&duration, "__rep_"), Some(duration)),
            None => return Ok(None),
        },
    };
    let Some(count) = count else {
        return Ok(None);
    };
    let Some(number) = value.look.numeric(&count)? else {
        return Ok(None);
    };
    let unit = match &duration {
        Some(duration) => match value.look.composite(duration)? {
            Some(body) => body.arguments.get(1).and_then(|(_, of)| *of),
            None => None,
        },
        None => value.argument(1),
    };
    let Some(unit) = unit else {
        return Ok(None);
    };
    let Some(ratio) = Ratio::named(&value.look.type_name(&Of::Type(unit))) else {
        return Ok(None);
    };
    let text = match (&duration, number) {
        (Some(_), Number::Whole(number)) if counts_from_1970(value) => {
            date(number, ratio).unwrap_or_else(|| ratio.shown(Number::Whole(number)))
        }
        _ => ratio.shown(number),
    };
    let (name, inside) = match duration {
        Some(duration) => ("__d_", duration),
        None => ("__rep_", count),
    };
    Ok(Some(told(text, name, inside)))
}

/// The count of a duration, by which it is compared.
pub(super) fn count(value: &Library<'_>) -> Option<Value> {
    value.part("__rep_")
}

fn told(text: String, name: &str, inside: Value) -> View {
    View::Told {
        text,
        fields: vec![Field {
            name: name.to_owned(),
            value: inside,
        }],
    }
}

fn counts_from_1970(value: &Library<'_>) -> bool {
    let clock = value.argument(0);
    clock.is_some_and(|clock| {
        let name = value.look.type_name(&Of::Type(clock));
        name.ends_with("system_clock")
    })
}

/// A unit in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ratio {
    over: i128,
    under: i128,
}

impl Ratio {
    /// `std::ratio<1LL, 1000LL>`; what is left out is one.
    fn named(name: &str) -> Option<Ratio> {
        let arguments = name.split_once("ratio<")?.1;
        let mut numbers = arguments.split(',').map(|argument| {
            let digits: String = argument.chars().filter(char::is_ascii_digit).collect();
            digits.parse::<i128>().ok()
        });
        let over = numbers.next()??;
        let under = match numbers.next() {
            Some(number) => number?,
            None => 1,
        };
        (over > 0 && under > 0).then_some(Ratio { over, under })
    }

    /// As the library prints it.
    fn shown(self, count: Number) -> String {
        let unit = match (self.over, self.under) {
            (1, 1_000_000_000_000) => "ps",
            (1, 1_000_000_000) => "ns",
            (1, 1_000_000) => "us",
            (1, 1000) => "ms",
            (1, 1) => "s",
            (60, 1) => "min",
            (3600, 1) => "h",
            (86400, 1) => "d",
            (over, 1) => return format!("{count}[{over}]s"),
            (over, under) => return format!("{count}[{over}/{under}]s"),
        };
        format!("{count}{unit}")
    }
}

/// A moment since 1970, in UTC.
fn date(count: i128, unit: Ratio) -> Option<String> {
    // Years of five digits are as likely damage.
    const MOST: i128 = 9999 * 366 * 86400;
    const NANOSECONDS: i128 = 1_000_000_000;
    let scaled = count.checked_mul(unit.over)?;
    let seconds = scaled.div_euclid(unit.under);
    if seconds.abs() > MOST {
        return None;
    }
    let fraction = scaled.rem_euclid(unit.under).checked_mul(NANOSECONDS)? / unit.under;
    let (days, rest) = (seconds.div_euclid(86400), seconds.rem_euclid(86400));
    let (year, month, day) = civil(days);
    let date = format!("{year:04}-{month:02}-{day:02}");
    if unit.over % 86400 == 0 && unit.under == 1 {
        return Some(date);
    }
    let time = format!("{:02}:{:02}:{:02}", rest / 3600, rest / 60 % 60, rest % 60);
    let digits = match unit.under {
        1 => String::new(),
        1000 => format!(".{:03}", fraction / 1_000_000),
        1_000_000 => format!(".{:06}", fraction / 1000),
        _ => format!(".{fraction:09}"),
    };
    Some(format!("{date} {time}{digits}"))
}

/// Year, month and day of a day since 1970, after Hinnant's `civil_from_days`.
fn civil(days: i128) -> (i128, i128, i128) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    (year + era * 400 + i128::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::{Number, Ratio, date};

    #[test]
    fn moments_are_dates() {
        let unit = |name| Ratio::named(name).unwrap();
        let micro = unit("std::ratio<1LL, 1000000LL>");
        for (count, unit, shown) in [
            (1_710_500_000_123_456, micro, "2024-03-15 10:53:20.123456"),
            (-1, micro, "1969-12-31 23:59:59.999999"),
            (19_797, unit("ratio<86400>"), "2024-03-15"),
            (951_782_400, unit("ratio<1, 1>"), "2000-02-29 00:00:00"),
        ] {
            assert_eq!(date(count, unit).as_deref(), Some(shown));
        }
        assert_eq!(date(i128::MAX, micro), None);
        assert_eq!(micro.shown(Number::Whole(5)), "5us");
        assert_eq!(unit("ratio<1, 30>").shown(Number::Real(1.5)), "1.5[1/30]s");
    }
}
