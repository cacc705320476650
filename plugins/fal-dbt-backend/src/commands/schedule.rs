//! Answers requests for single nodes with as few calls of dbt as the order of the run allows.
//!
//! A request for a node that no running call has starts a further call beside it, where the
//! warehouse allows that.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        mpsc::{self, Sender},
        Arc,
    },
    thread,
    time::{Duration, Instant},
};

use fal_plugin::{
    payload::{NodeResult, NodeStatus},
    PluginError,
};
use parking_lot::{Condvar, Mutex};

use super::plan::{went_well, Ids, Plan};
use crate::cancel;

/// The host asks for several nodes in one go: what it asks for within this time belongs together.
const TOGETHER: Duration = Duration::from_millis(30);

/// How many calls run at a time at most, where the warehouse allows more than one.
pub(crate) const MOST_CALLS: usize = 3;

/// What a call runs.
pub(crate) struct Batch {
    pub(crate) nodes: Ids,
    /// How the nodes ended that ran before it.
    pub(crate) before: HashMap<String, NodeStatus>,
    /// How many nodes it may run at a time, if other calls run beside it.
    pub(crate) threads: Option<u32>,
}

/// What a call says before its end.
pub(crate) enum Progress {
    /// It runs its first node: what it does to the schemas is done.
    Begun,
    Result(Box<NodeResult>),
}

/// Takes what a call says.
pub(crate) type Ear = Arc<dyn Fn(Progress) + Send + Sync>;

/// Runs calls of dbt.
pub(crate) trait Caller: Send + Sync + 'static {
    /// Runs one call. No other call runs in this place. `begin` returns what to run, and is called
    /// when dbt's turn has come. Returns a result for each node.
    fn call(
        &self,
        place: usize,
        begin: &mut dyn FnMut() -> Batch,
        early: &Ear,
    ) -> Result<BTreeMap<String, NodeResult>, PluginError>;
}

/// The nodes that the host has asked for, and the threads that have them run.
pub(crate) struct Schedule {
    pub(crate) plan: Plan,
    threads: u32,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    asked: HashMap<String, Vec<Sender<Answer>>>,
    /// The calls that run, by place.
    calls: BTreeMap<usize, Call>,
    settled: Ids,
    ended: HashMap<String, NodeResult>,
    /// Nodes whose results the host had before dbt said otherwise.
    retracted: Vec<NodeResult>,
    is_closed: bool,
    /// The threads that are left.
    places: usize,
}

#[derive(Default)]
struct Call {
    nodes: Ids,
    has_begun: bool,
}

impl State {
    fn running(&self) -> Ids {
        let nodes = self.calls.values().flat_map(|call| &call.nodes);
        nodes.cloned().collect()
    }

    /// Returns whether a call starts in this place: one whose nodes no call runs was asked for. A
    /// call creates missing schemas before its first node, which only one may do at a time. A lower
    /// place goes first.
    fn starts(&self, place: usize) -> bool {
        let runs = |node: &String| self.calls.values().any(|call| call.nodes.contains(node));
        self.asked.keys().any(|node| !runs(node))
            && self.calls.values().all(|call| call.has_begun)
            && (0..place).all(|lower| self.calls.contains_key(&lower))
    }
}

type Answer = Result<NodeResult, PluginError>;

impl Schedule {
    /// Starts a thread for each of the `calls` that may run at a time. `threads` is how many nodes
    /// the user wants to run at a time.
    pub(crate) fn start(
        plan: Plan,
        calls: usize,
        threads: u32,
        caller: &Arc<dyn Caller>,
    ) -> Arc<Self> {
        let state = State {
            places: calls,
            ..State::default()
        };
        let schedule = Arc::new(Self {
            plan,
            threads,
            state: Mutex::new(state),
            changed: Condvar::new(),
        });
        for place in 0..calls {
            let (works, caller) = (Arc::clone(&schedule), Arc::clone(caller));
            thread::spawn(move || works.work(place, &*caller));
        }
        schedule
    }

    /// Waits for the result of a node, which dbt runs now if it has not run yet.
    pub(crate) fn result(&self, unique_id: &str) -> Answer {
        self.reached(unique_id);
        let answer = {
            let mut state = self.state.lock();
            if let Some(ended) = state.ended.get(unique_id) {
                return Ok(ended.clone());
            }
            if state.is_closed {
                return Err(cancel::interrupted());
            }
            if !self.plan.dbt.contains(unique_id) {
                let message = format!("{unique_id} is no node of `begin` that dbt runs");
                return Err(PluginError::new("session::unknown_node", message));
            }
            let (sender, answer) = mpsc::channel();
            let asked = state.asked.entry(unique_id.to_owned()).or_default();
            asked.push(sender);
            self.changed.notify_all();
            answer
        };
        answer.recv().unwrap_or_else(|_| Err(cancel::interrupted()))
    }

    /// Notes that the host has come to this node, and so is done with what comes before it.
    pub(crate) fn reached(&self, unique_id: &str) {
        let mut state = self.state.lock();
        state
            .settled
            .extend(self.plan.settled_by(unique_id).cloned());
    }

    /// Notes how a node ended that dbt does not run.
    pub(crate) fn ended(&self, result: &NodeResult) {
        let mut state = self.state.lock();
        let is_known = state.ended.contains_key(&result.unique_id);
        // dbt's word on its own nodes is not overruled.
        if !is_known || result.status != NodeStatus::Skipped {
            state.ended.insert(result.unique_id.clone(), result.clone());
        }
    }

    /// Starts no more calls, and waits for those that run until `deadline`.
    pub(crate) fn close(&self, deadline: Option<Instant>) {
        let mut state = self.state.lock();
        state.is_closed = true;
        self.changed.notify_all();
        let is_running = |state: &mut State| state.places > 0;
        match deadline {
            Some(deadline) => drop(
                self.changed
                    .wait_while_until(&mut state, is_running, deadline),
            ),
            None => self.changed.wait_while(&mut state, is_running),
        }
    }

    /// Returns the nodes whose results the host had before dbt said otherwise.
    pub(crate) fn retracted(&self) -> Vec<NodeResult> {
        self.state.lock().retracted.clone()
    }

    fn work(self: Arc<Self>, place: usize, caller: &dyn Caller) {
        while self.await_request(place) {
            // Without nodes that wait for the host, the set is the same whatever it asks for first.
            if !self.plan.held.is_empty() {
                thread::sleep(TOGETHER);
            }
            let mut batch = Ids::new();
            let early: Ear = {
                let schedule = Arc::clone(&self);
                Arc::new(move |progress| match progress {
                    Progress::Begun => schedule.begun(place),
                    Progress::Result(result) => schedule.answer(*result, true),
                })
            };
            let mut begin = || {
                let next = self.next(place);
                batch.clone_from(&next.nodes);
                next
            };
            let outcome = caller.call(place, &mut begin, &early);
            self.end(place, &batch, outcome);
        }
        let mut state = self.state.lock();
        state.places -= 1;
        if state.places == 0 {
            state.asked.clear();
        }
        self.changed.notify_all();
    }

    /// Waits until a call starts in this place, and counts it.
    fn await_request(&self, place: usize) -> bool {
        let mut state = self.state.lock();
        self.changed
            .wait_while(&mut state, |state| !state.is_closed && !state.starts(place));
        if !state.is_closed {
            state.calls.insert(place, Call::default());
        }
        !state.is_closed
    }

    /// Returns what the call in this place runs.
    fn next(&self, place: usize) -> Batch {
        let mut state = self.state.lock();
        let running = state.running();
        let (waiting, asked): (Ids, Ids) = state
            .asked
            .keys()
            .cloned()
            .partition(|node| running.contains(node));
        let before: HashMap<_, _> = state
            .ended
            .iter()
            .map(|(node, result)| (node.clone(), result.status))
            .collect();
        let nodes = self.plan.next(&asked, &before, &running, &state.settled);
        let call = state.calls.entry(place).or_default();
        call.nodes.clone_from(&nodes);
        let taken = u32::try_from(waiting.len()).unwrap_or(u32::MAX);
        let threads = (state.calls.len() > 1).then(|| self.threads.saturating_sub(taken).max(1));
        Batch {
            nodes,
            before,
            threads,
        }
    }

    fn begun(&self, place: usize) {
        if let Some(call) = self.state.lock().calls.get_mut(&place) {
            call.has_begun = true;
        }
        self.changed.notify_all();
    }

    fn answer(&self, result: NodeResult, is_early: bool) {
        let mut state = self.state.lock();
        for waits in state.asked.remove(&result.unique_id).into_iter().flatten() {
            let _ = waits.send(Ok(result.clone()));
        }
        let known = state.ended.get(&result.unique_id).map(|known| known.status);
        if known.is_some_and(went_well) && !went_well(result.status) {
            state.retracted.push(result.clone());
        }
        if !is_early || known.is_none() {
            state.ended.insert(result.unique_id.clone(), result);
        }
    }

    fn end(
        &self,
        place: usize,
        batch: &Ids,
        outcome: Result<BTreeMap<String, NodeResult>, PluginError>,
    ) {
        let error = match outcome {
            Ok(results) => {
                results
                    .into_values()
                    .for_each(|result| self.answer(result, false));
                let message = "dbt ended without a result of this node";
                PluginError::new("dbt::no_result", message)
            }
            Err(error) => error,
        };
        let mut state = self.state.lock();
        state.calls.remove(&place);
        self.changed.notify_all();
        // An error ahead of dbt's turn fails all that was asked for.
        let running = state.running();
        let is_over = |node: &String| match batch.is_empty() {
            true => !running.contains(node),
            false => batch.contains(node),
        };
        let over: Vec<_> = state
            .asked
            .keys()
            .filter(|node| is_over(node))
            .cloned()
            .collect();
        for waits in over
            .iter()
            .filter_map(|node| state.asked.remove(node))
            .flatten()
        {
            let _ = waits.send(Err(error.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::Receiver;

    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    /// A call that a test ends.
    struct Started {
        place: usize,
        nodes: Ids,
        threads: Option<u32>,
        early: Ear,
        end: Sender<()>,
    }

    struct Fake(Mutex<Sender<Started>>);

    impl Caller for Fake {
        fn call(
            &self,
            place: usize,
            begin: &mut dyn FnMut() -> Batch,
            early: &Ear,
        ) -> Result<BTreeMap<String, NodeResult>, PluginError> {
            let Batch { nodes, threads, .. } = begin();
            let (end, ended) = mpsc::channel();
            let started = Started {
                place,
                nodes: nodes.clone(),
                threads,
                early: Arc::clone(early),
                end,
            };
            self.0.lock().send(started).unwrap();
            ended.recv().unwrap();
            let success = |id: String| (id.clone(), NodeResult::new(&id, NodeStatus::Success));
            Ok(nodes.into_iter().map(success).collect())
        }
    }

    /// `p` runs elsewhere after `a`, and `b` and `c` after `p`; nothing comes before `slow`.
    fn schedule(calls: usize) -> (Arc<Schedule>, Receiver<Started>) {
        let ids = |names: &[&str]| -> Ids { names.iter().map(|&name| name.to_owned()).collect() };
        let plan = Plan {
            dbt: ids(&["a", "slow", "b", "c"]),
            elsewhere: ids(&["p"]),
            ..Plan::default()
        };
        let parents = [("p", "a"), ("b", "p"), ("c", "p")];
        let parents = parents.map(|(node, parent)| (node.to_owned(), vec![parent.to_owned()]));
        let (sender, started) = mpsc::channel();
        let caller: Arc<dyn Caller> = Arc::new(Fake(Mutex::new(sender)));
        let plan = plan.in_order_of(&parents.into());
        (Schedule::start(plan, calls, 4, &caller), started)
    }

    #[test]
    fn a_call_starts_beside_another_once_that_runs_nodes() {
        let (schedule, calls) = schedule(3);
        thread::scope(|scope| {
            let ask = |node: &'static str| {
                let schedule = Arc::clone(&schedule);
                scope.spawn(move || schedule.result(node).unwrap().status)
            };
            let slow = ask("slow");
            let first = calls.recv_timeout(LONG).unwrap();
            assert_eq!(
                (first.place, first.nodes.len(), first.threads),
                (0, 2, None)
            );
            (first.early)(Progress::Result(Box::new(NodeResult::new(
                "a",
                NodeStatus::Success,
            ))));
            assert_eq!(ask("a").join().unwrap(), NodeStatus::Success);
            schedule.ended(&NodeResult::new("p", NodeStatus::Success));
            let (b, c) = (ask("b"), ask("c"));
            while schedule.state.lock().asked.len() < 3 {
                thread::yield_now();
            }
            assert!(calls.try_recv().is_err(), "the first call creates schemas");
            (first.early)(Progress::Begun);
            let second = calls.recv_timeout(LONG).unwrap();
            assert_eq!((second.place, second.threads), (1, Some(3)));
            assert!(second.nodes.iter().eq(["b", "c"]), "{:?}", second.nodes);
            second.end.send(()).unwrap();
            assert_eq!(b.join().unwrap(), NodeStatus::Success);
            assert_eq!(c.join().unwrap(), NodeStatus::Success);
            first.end.send(()).unwrap();
            assert_eq!(slow.join().unwrap(), NodeStatus::Success);
        });
        schedule.close(None);
        assert!(calls.try_recv().is_err(), "no node runs twice");
    }

    #[test]
    fn calls_take_turns_where_one_may_run() {
        let (schedule, calls) = schedule(1);
        thread::scope(|scope| {
            let ask = |node: &'static str| {
                let schedule = Arc::clone(&schedule);
                scope.spawn(move || schedule.result(node).unwrap().status)
            };
            let slow = ask("slow");
            let first = calls.recv_timeout(LONG).unwrap();
            (first.early)(Progress::Begun);
            schedule.ended(&NodeResult::new("p", NodeStatus::Success));
            let b = ask("b");
            while schedule.state.lock().asked.len() < 2 {
                thread::yield_now();
            }
            assert!(calls.try_recv().is_err());
            first.end.send(()).unwrap();
            assert_eq!(slow.join().unwrap(), NodeStatus::Success);
            let second = calls.recv_timeout(LONG).unwrap();
            assert_eq!((second.place, second.threads), (0, None));
            second.end.send(()).unwrap();
            assert_eq!(b.join().unwrap(), NodeStatus::Success);
        });
        schedule.close(None);
    }
}
