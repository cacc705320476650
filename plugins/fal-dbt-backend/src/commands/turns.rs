//! Whose turn it is at a database that only one process can have open: jobs together, or one call
//! of dbt alone.

use std::collections::HashSet;

use fal_plugin::PluginError;
use parking_lot::{Condvar, Mutex, MutexGuard};

use crate::cancel;

/// The turns at one database.
///
/// A call of dbt that waits goes ahead of jobs that come later. Each of the two lets the other
/// through in the end, since no job waits for another while it is inside.
pub(crate) struct Turns {
    /// The database serves many processes, so that neither waits.
    is_shared: bool,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    jobs: HashSet<String>,
    waiting: usize,
    is_dbts: bool,
    is_closed: bool,
}

/// While it lives, the database is dbt's.
pub(crate) struct DbtsTurn<'a>(&'a Turns);

impl Turns {
    pub(crate) fn new(is_shared: bool) -> Self {
        Self {
            is_shared,
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// Waits for the turn of jobs, and counts this one.
    pub(crate) fn enter(&self, job: &str) -> Result<(), PluginError> {
        let must_wait = |state: &State| !self.is_shared && (state.is_dbts || state.waiting > 0);
        self.wait(self.state.lock(), must_wait)?
            .jobs
            .insert(job.to_owned());
        Ok(())
    }

    /// Forgets a job.
    pub(crate) fn leave(&self, job: &str) {
        self.state.lock().jobs.remove(job);
        self.changed.notify_all();
    }

    /// Waits for dbt's turn. `give_up` closes the database before dbt opens it.
    pub(crate) fn dbt(&self, give_up: impl FnOnce()) -> Result<DbtsTurn<'_>, PluginError> {
        let mut state = self.state.lock();
        state.waiting += 1;
        let must_wait =
            |state: &State| !self.is_shared && (state.is_dbts || !state.jobs.is_empty());
        let waited = self.wait(state, must_wait);
        // The lock is free where the wait failed.
        let mut state = match waited {
            Ok(state) => state,
            Err(error) => {
                self.state.lock().waiting -= 1;
                return Err(error);
            }
        };
        state.waiting -= 1;
        state.is_dbts = true;
        drop(state);
        if !self.is_shared {
            give_up();
        }
        Ok(DbtsTurn(self))
    }

    /// Fails everything that waits, now and later.
    pub(crate) fn close(&self) {
        self.state.lock().is_closed = true;
        self.changed.notify_all();
    }

    fn wait<'a>(
        &self,
        mut state: MutexGuard<'a, State>,
        must_wait: impl Fn(&State) -> bool,
    ) -> Result<MutexGuard<'a, State>, PluginError> {
        self.changed
            .wait_while(&mut state, |state| !state.is_closed && must_wait(state));
        if state.is_closed {
            return Err(cancel::interrupted());
        }
        Ok(state)
    }
}

impl Drop for DbtsTurn<'_> {
    fn drop(&mut self) {
        self.0.state.lock().is_dbts = false;
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::mpsc::{channel, RecvTimeoutError},
        thread,
        time::Duration,
    };

    use super::*;

    const SHORT: Duration = Duration::from_millis(50);
    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn jobs_and_dbt_take_turns_and_dbt_goes_ahead_of_later_jobs() {
        let turns = Turns::new(false);
        turns.enter("a").unwrap();
        turns.enter("b").unwrap();
        let (said, heard) = channel();
        thread::scope(|scope| {
            scope.spawn(|| {
                let turn = turns.dbt(|| said.send("given up").unwrap()).unwrap();
                said.send("dbt").unwrap();
                drop(turn);
            });
            while turns.state.lock().waiting == 0 {
                thread::yield_now();
            }
            let later = said.clone();
            let turns = &turns;
            scope.spawn(move || {
                turns.enter("c").unwrap();
                later.send("c").unwrap();
            });
            turns.leave("a");
            assert_eq!(heard.recv_timeout(SHORT), Err(RecvTimeoutError::Timeout));
            turns.leave("b");
            let order: Vec<_> = (0..3).map(|_| heard.recv_timeout(LONG).unwrap()).collect();
            assert_eq!(order, ["given up", "dbt", "c"]);
        });
    }

    #[test]
    fn neither_waits_at_a_shared_database() {
        let turns = Turns::new(true);
        let first = turns.dbt(|| panic!("it need not be given up")).unwrap();
        let second = turns.dbt(|| ()).unwrap();
        turns.enter("a").unwrap();
        drop((first, second));
    }

    #[test]
    fn a_close_ends_all_waits() {
        let turns = Turns::new(false);
        turns.enter("a").unwrap();
        thread::scope(|scope| {
            let waits = scope.spawn(|| turns.dbt(|| ()).map(drop).unwrap_err().code);
            while turns.state.lock().waiting == 0 {
                thread::yield_now();
            }
            turns.close();
            assert_eq!(waits.join().unwrap(), crate::error::INTERRUPTED);
        });
        assert!(turns.enter("b").is_err());
        assert_eq!(turns.state.lock().waiting, 0);
    }
}
