//! Points of time as people have them.

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

#[cfg(test)]
mod tests {
    use super::Utc;

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
