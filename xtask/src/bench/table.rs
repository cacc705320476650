//! The table of results, in Markdown.

use std::{fmt, time::Duration};

/// Rows in the order in which they were measured.
#[derive(Debug, Default)]
pub(super) struct Table {
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    what: String,
    own: String,
    other: Option<(String, f64)>,
    aim: &'static str,
}

/// A rate of rows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rate {
    pub(super) rows: u32,
    pub(super) time: Duration,
}

impl Rate {
    fn a_second(self) -> f64 {
        f64::from(self.rows) / self.time.as_secs_f64().max(f64::MIN_POSITIVE)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:.0} rows/s", self.a_second())
    }
}

impl Table {
    /// Adds a time, and the time of another tool for the same work.
    pub(super) fn times(
        &mut self,
        what: &str,
        own: Duration,
        (name, other): (&str, Duration),
        aim: &'static str,
    ) {
        self.row(
            what,
            seconds(own),
            Some((format!("{name}: {}", seconds(other)), ratio(own, other))),
            aim,
        );
    }

    /// Adds a time alone.
    pub(super) fn time(&mut self, what: &str, own: Duration, aim: &'static str) {
        self.row(what, seconds(own), None, aim);
    }

    /// Adds the time of a call in nanoseconds, and its excess over a direct call.
    pub(super) fn beyond(
        &mut self,
        what: &str,
        call: u64,
        (name, direct): (&str, u64),
        aim: &'static str,
    ) {
        let ratio = ratio(Duration::from_nanos(call), Duration::from_nanos(direct));
        let own = format!("{} more", microseconds(call.saturating_sub(direct)));
        self.row(
            what,
            own,
            Some((format!("{name}: {}", microseconds(direct)), ratio)),
            aim,
        );
    }

    /// Adds the time of a call in nanoseconds.
    pub(super) fn call(&mut self, what: &str, call: u64, aim: &'static str) {
        self.row(what, microseconds(call), None, aim);
    }

    /// Adds rows per second. The ratio is that of the times per row, so that less is better, as in
    /// all other rows.
    pub(super) fn rates(&mut self, what: &str, own: Rate, (name, other): (&str, Rate)) {
        let ratio = other.a_second() / own.a_second();
        self.row(
            what,
            own.to_string(),
            Some((format!("{name}: {other}"), ratio)),
            "",
        );
    }

    /// Adds the memory in bytes of several processes.
    pub(super) fn peaks(&mut self, what: &str, peaks: &[(String, u64)], aim: &'static str) {
        let shown: Vec<_> = peaks
            .iter()
            .map(|(name, bytes)| format!("{name} {}", mebibytes(*bytes)))
            .collect();
        self.row(what, shown.join(", "), None, aim);
    }

    /// Adds memory in bytes.
    pub(super) fn memory(&mut self, what: &str, own: u64, (name, other): (&str, u64)) {
        #[expect(clippy::cast_precision_loss, reason = "two digits are shown")]
        let ratio = own as f64 / other.max(1) as f64;
        self.row(
            what,
            mebibytes(own),
            Some((format!("{name}: {}", mebibytes(other)), ratio)),
            "",
        );
    }

    fn row(&mut self, what: &str, own: String, other: Option<(String, f64)>, aim: &'static str) {
        self.rows.push(Row {
            what: what.to_owned(),
            own,
            other,
            aim,
        });
    }
}

impl fmt::Display for Table {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            formatter,
            "| what | fal-host | compared with | ratio | aim |\n|---|--:|--:|--:|--:|"
        )?;
        for Row {
            what,
            own,
            other,
            aim,
        } in &self.rows
        {
            let (other, ratio) = other
                .as_ref()
                .map_or_else(Default::default, |(o, r)| (o.clone(), format!("{r:.2}")));
            writeln!(formatter, "| {what} | {own} | {other} | {ratio} | {aim} |")?;
        }
        Ok(())
    }
}

fn ratio(own: Duration, other: Duration) -> f64 {
    own.as_secs_f64() / other.as_secs_f64().max(f64::MIN_POSITIVE)
}

fn microseconds(nanoseconds: u64) -> String {
    format!(
        "{:.1} µs",
        Duration::from_nanos(nanoseconds).as_secs_f64() * 1e6
    )
}

fn seconds(time: Duration) -> String {
    if time < Duration::from_millis(20) {
        return format!("{:.2} ms", time.as_secs_f64() * 1000.0);
    }
    format!("{:.2} s", time.as_secs_f64())
}

fn mebibytes(bytes: u64) -> String {
    format!("{} MiB", bytes / 1024 / 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_aligned_as_markdown_wants() {
        let mut table = Table::default();
        table.times(
            "run",
            Duration::from_millis(1500),
            ("dbt run", Duration::from_secs(3)),
            "≤ 0.9",
        );
        table.time("graph", Duration::from_micros(5790), "");
        let rate = |rows| Rate {
            rows,
            time: Duration::from_secs(2),
        };
        table.rates("rows", rate(2000), ("COPY", rate(1000)));
        let lines: Vec<_> = table.to_string().lines().map(str::to_owned).collect();
        assert_eq!(
            lines[2..],
            [
                "| run | 1.50 s | dbt run: 3.00 s | 0.50 | ≤ 0.9 |",
                "| graph | 5.79 ms |  |  |  |",
                "| rows | 1000 rows/s | COPY: 500 rows/s | 0.50 |  |"
            ]
        );
    }
}
