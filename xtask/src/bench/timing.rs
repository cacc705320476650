//! Times of programs.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use crate::{error::Result, program};

/// Runs a program to its end; an error if it fails.
pub(super) fn time(command: &mut Command) -> Result<Duration> {
    let start = Instant::now();
    program::output(command)?;
    Ok(start.elapsed())
}

/// Returns the median; of an even number the lower one of the two in the middle.
pub(super) fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times
        .get(times.len().saturating_sub(1) / 2)
        .copied()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_one_of_the_times() {
        let times = |list: &[u64]| median(list.iter().copied().map(Duration::from_secs).collect());
        assert_eq!(times(&[9, 1, 4]), Duration::from_secs(4));
        assert_eq!(times(&[9, 1]), Duration::from_secs(1));
    }
}
