//! Decides whether and when to retry.

use std::time::Duration;

use crate::{config::Retries, end::End};

/// Returns how long to wait after `attempt` (the first is 1) before the next one, or `None` if
/// there is no further attempt. `chance` is between 0 and 1.
pub(crate) fn wait(retries: &Retries, attempt: u32, end: End, chance: f64) -> Option<Duration> {
    let allowed = attempt < retries.attempts && retries.on.iter().any(|cause| end.is(*cause));
    let doubled = 2f64.powi(i32::try_from(attempt - 1).unwrap_or(i32::MAX).min(1000));
    let full = (retries.backoff.0.as_secs_f64() * doubled).min(retries.longest.0.as_secs_f64());
    allowed.then(|| Duration::from_secs_f64(full * (1.0 - chance / 2.0)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::Cause;

    fn retries(attempts: u32, on: &[Cause]) -> Retries {
        Retries {
            attempts,
            on: on.to_vec(),
            ..Retries::default()
        }
    }

    #[test]
    fn only_listed_ends_are_tried_again() {
        let limit = Duration::from_secs(1);
        let all = [
            End::Exited(0),
            End::Exited(1),
            End::Exited(3),
            End::Exited(127),
            End::Exited(255),
            End::Signalled(9),
            End::TimedOut(limit),
            End::Stopped,
        ];
        let again = |on: &[Cause]| {
            let retries = retries(2, on);
            all.iter()
                .filter(|end| wait(&retries, 1, **end, 0.0).is_some())
                .copied()
                .collect::<Vec<_>>()
        };
        assert_eq!(
            again(&[Cause::Exit, Cause::Signal]),
            [End::Exited(3), End::Exited(255), End::Signalled(9)]
        );
        assert_eq!(
            again(&[Cause::Code(1), Cause::Timeout]),
            [End::Exited(1), End::TimedOut(limit)]
        );
        assert_eq!(again(&[Cause::Code(127)]), [End::Exited(127)]);
        assert_eq!(again(&[]), []);
    }

    #[test]
    fn waits_double_up_to_a_limit() {
        let retries = retries(10, &[Cause::Exit]);
        let waits: Vec<_> = (1..=10)
            .map(|at| wait(&retries, at, End::Exited(255), 0.0).map(|wait| wait.as_secs()))
            .collect();
        assert_eq!(
            waits,
            [2, 4, 8, 16, 32, 60, 60, 60, 60]
                .map(Some)
                .into_iter()
                .chain([None])
                .collect::<Vec<_>>()
        );
    }

    proptest! {
        #[test]
        fn chance_shortens_by_a_half_at_most(attempt in 1u32..5000, chance in 0.0..1.0f64) {
            let retries = retries(u32::MAX, &[Cause::Exit]);
            let full = wait(&retries, attempt, End::Exited(2), 0.0).unwrap();
            let found = wait(&retries, attempt, End::Exited(2), chance).unwrap();
            prop_assert!(found <= full && found * 2 >= full);
        }
    }
}
