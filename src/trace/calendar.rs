//! Points of time, and durations, as people have them.

use std::time::Duration;

/// A point of time in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Utc {
    year: u64,
    month: u64,
    day: u64,
    second_of_day: u64,
}

impl Utc {
    /// So many seconds after the Unix epoch.
    pub fn at(seconds: u64) -> Utc {
        let (days, second_of_day) = (seconds / 86_400, seconds % 86_400);
        let (mut year, mut day) = (1970, days);
        // A recording of the far future is a damaged one: no need to be quick there,
        // only to end.
        while year < 10_000 && day >= days_of(year) {
            day -= days_of(year);
            year += 1;
        }
        let mut month = 1;
        for length in month_lengths(year) {
            if day < length {
                break;
            }
            day -= length;
            month += 1;
        }
        Utc {
            year,
            month,
            day: day + 1,
            second_of_day,
        }
    }

    /// As part of a file's name: `20261129-184512`.
    pub fn compact(self) -> String {
        let (hour, minute, second) = self.time();
        let Utc {
            year, month, day, ..
        } = self;
        format!("{year:04}{month:02}{day:02}-{hour:02}{minute:02}{second:02}")
    }

    fn time(self) -> (u64, u64, u64) {
        let second = self.second_of_day;
        (second / 3600, second / 60 % 60, second % 60)
    }
}

impl std::fmt::Display for Utc {
    /// `YYYY-MM-DD hh:mm:ss UTC`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (hour, minute, second) = self.time();
        let Utc {
            year, month, day, ..
        } = self;
        write!(
            f,
            "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC"
        )
    }
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn days_of(year: u64) -> u64 {
    if is_leap(year) { 366 } else { 365 }
}

fn month_lengths(year: u64) -> [u64; 11] {
    let february = if is_leap(year) { 29 } else { 28 };
    [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30]
}

/// What a clock on the wall shows, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WallTime {
    utc: Utc,
    millisecond: u32,
}

impl WallTime {
    /// So many nanoseconds after the Unix epoch.
    pub fn at(nanoseconds: i128) -> WallTime {
        let milliseconds = u128::try_from(nanoseconds / 1_000_000).unwrap_or(0);
        WallTime {
            utc: Utc::at(u64::try_from(milliseconds / 1000).unwrap_or(u64::MAX)),
            millisecond: (milliseconds % 1000) as u32,
        }
    }

    /// As RFC 3339 has it: `2026-11-29T18:45:12.345Z`.
    pub fn rfc3339(self) -> String {
        let Utc {
            year, month, day, ..
        } = self.utc;
        let time = self.time_of_day();
        format!("{year:04}-{month:02}-{day:02}T{time}Z")
    }

    /// `18:45:12.345`.
    pub fn time_of_day(self) -> String {
        let (hour, minute, second) = self.utc.time();
        let millisecond = self.millisecond;
        format!("{hour:02}:{minute:02}:{second:02}.{millisecond:03}")
    }
}

impl std::fmt::Display for WallTime {
    /// `YYYY-MM-DD hh:mm:ss.mmm UTC`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Utc {
            year, month, day, ..
        } = self.utc;
        let time = self.time_of_day();
        write!(f, "{year:04}-{month:02}-{day:02} {time} UTC")
    }
}

/// `500ms`, `1.5s`, `2m`; a number alone is seconds.
///
/// # Errors
///
/// If it is none: how to write one.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let number = text.trim_end_matches(|c: char| c.is_alphabetic());
    let seconds = match &text[number.len()..] {
        "" | "s" => 1.0,
        "ns" => 1e-9,
        "us" | "μs" => 1e-6,
        "ms" => 1e-3,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err("write it as 500ms, 1s, 2m or 1h".to_owned()),
    };
    let number: f64 = number
        .parse()
        .map_err(|_| "write it as 500ms, 1s, 2m or 1h".to_owned())?;
    Duration::try_from_secs_f64(number * seconds).map_err(|error| error.to_string())
}

/// How long something took, for people: `52 ms`, `1.25 s`, `3 min 07 s`.
pub fn duration_text(duration: Duration) -> String {
    match duration.as_millis() {
        0 if duration.is_zero() => "0 ms".to_owned(),
        0 => "<1 ms".to_owned(),
        milliseconds @ 1..1000 => format!("{milliseconds} ms"),
        1000..60_000 => format!("{:.2} s", duration.as_secs_f64()),
        _ => {
            let seconds = duration.as_secs();
            format!("{} min {:02} s", seconds / 60, seconds % 60)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Utc, WallTime, duration_text, parse_duration};
    use std::time::Duration;

    #[test]
    fn durations_have_units() {
        for (text, milliseconds) in [("1s", 1000), ("2", 2000), ("1.5s", 1500), ("20ms", 20)] {
            assert_eq!(
                parse_duration(text),
                Ok(Duration::from_millis(milliseconds))
            );
        }
        for wrong in ["", "s", "1d", "-1s", "fast"] {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn durations_are_told_in_the_unit_that_fits() {
        for (microseconds, text) in [
            (0, "0 ms"),
            (999, "<1 ms"),
            (52_400, "52 ms"),
            (1_254_000, "1.25 s"),
            (187_000_000, "3 min 07 s"),
        ] {
            assert_eq!(duration_text(Duration::from_micros(microseconds)), text);
        }
    }

    #[test]
    fn wall_times_have_milliseconds() {
        let time = WallTime::at(1_709_251_199_045_999_999);
        assert_eq!(time.rfc3339(), "2024-02-29T23:59:59.045Z");
        assert_eq!(time.to_string(), "2024-02-29 23:59:59.045 UTC");
        assert_eq!(WallTime::at(-1).rfc3339(), "1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn moments_are_told_in_utc() {
        // As `date -u -d @SECONDS` tells them.
        for (seconds, text) in [
            (0, "1970-01-01 00:00:00 UTC"),
            (951_782_399, "2000-02-28 23:59:59 UTC"),
            (951_782_400, "2000-02-29 00:00:00 UTC"),
            (1_709_251_199, "2024-02-29 23:59:59 UTC"),
            (1_735_689_599, "2024-12-31 23:59:59 UTC"),
            (4_107_542_400, "2100-03-01 00:00:00 UTC"),
        ] {
            assert_eq!(Utc::at(seconds).to_string(), text);
        }
        assert!(Utc::at(u64::MAX).to_string().ends_with("UTC"));
    }

    #[test]
    fn names_of_files_sort_by_time() {
        assert_eq!(Utc::at(951_782_399).compact(), "20000228-235959");
    }
}
