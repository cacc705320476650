//! Answers requests for single nodes with as few calls of dbt as the order of the run allows.

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

/// Runs calls of dbt, one at a time.
pub(crate) trait Caller: Send + Sync + 'static {
    /// Runs one call. `begin` returns the nodes to run, and is called when dbt's turn has come;
    /// `early` takes results that are known before the end. Returns a result for each node.
    fn call(
        &self,
        begin: &mut dyn FnMut() -> (Ids, HashMap<String, NodeStatus>),
        early: &Arc<dyn Fn(NodeResult) + Send + Sync>,
    ) -> Result<BTreeMap<String, NodeResult>, PluginError>;
}

/// The nodes that the host has asked for, and the thread that has them run.
pub(crate) struct Schedule {
    pub(crate) plan: Plan,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    asked: HashMap<String, Vec<Sender<Answer>>>,
    settled: Ids,
    ended: HashMap<String, NodeResult>,
    /// Nodes whose results the host had before dbt said otherwise.
    retracted: Vec<NodeResult>,
    is_closed: bool,
    has_ended: bool,
}

type Answer = Result<NodeResult, PluginError>;

impl Schedule {
    /// Starts the thread.
    pub(crate) fn start(plan: Plan, caller: Arc<dyn Caller>) -> Arc<Self> {
        let schedule = Arc::new(Self {
            plan,
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let works = Arc::clone(&schedule);
        thread::spawn(move || works.work(&*caller));
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

    /// Starts no more calls, and waits for the one that runs until `deadline`.
    pub(crate) fn close(&self, deadline: Option<Instant>) {
        let mut state = self.state.lock();
        state.is_closed = true;
        self.changed.notify_all();
        let is_running = |state: &mut State| !state.has_ended;
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

    fn work(self: Arc<Self>, caller: &dyn Caller) {
        while self.await_request() {
            // Without nodes that wait for the host, the set is the same whatever it asks for first.
            if !self.plan.held.is_empty() {
                thread::sleep(TOGETHER);
            }
            let mut batch = Ids::new();
            let early: Arc<dyn Fn(NodeResult) + Send + Sync> = {
                let schedule = Arc::clone(&self);
                Arc::new(move |result| schedule.answer(result, true))
            };
            let mut begin = || {
                let statuses = self.statuses();
                let state = self.state.lock();
                let asked = state.asked.keys().cloned().collect();
                batch = self.plan.next(&asked, &statuses, &state.settled);
                (batch.clone(), statuses)
            };
            let outcome = caller.call(&mut begin, &early);
            self.end(&batch, outcome);
        }
        let mut state = self.state.lock();
        state.asked.clear();
        state.has_ended = true;
        self.changed.notify_all();
    }

    fn await_request(&self) -> bool {
        let mut state = self.state.lock();
        self.changed.wait_while(&mut state, |state| {
            !state.is_closed && state.asked.is_empty()
        });
        !state.is_closed
    }

    fn statuses(&self) -> HashMap<String, NodeStatus> {
        let state = self.state.lock();
        let ended = state.ended.iter();
        ended
            .map(|(node, result)| (node.clone(), result.status))
            .collect()
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

    fn end(&self, batch: &Ids, outcome: Result<BTreeMap<String, NodeResult>, PluginError>) {
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
        // An error ahead of dbt's turn fails all that was asked for.
        let is_over = |node: &String| batch.is_empty() || batch.contains(node);
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
