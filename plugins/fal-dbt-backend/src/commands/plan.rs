//! Which nodes the next call of dbt may run. Pure: knows neither processes nor time.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use fal_plugin::payload::NodeStatus;

/// Unique ids, in order, so that calls and messages do not depend on chance.
pub(crate) type Ids = BTreeSet<String>;
/// Unique ids of the parents of each node.
pub(crate) type Parents = HashMap<String, Vec<String>>;

/// What a run consists of.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// The nodes that dbt runs.
    pub(crate) dbt: Ids,
    /// The nodes that run elsewhere, between the calls of dbt.
    pub(crate) elsewhere: Ids,
    /// Nodes with scripts or hooks ahead of them, which only the host knows: they run when the host
    /// asks for them, and not before.
    pub(crate) held: Ids,
    /// Nodes with hooks behind them, which belong to them: what follows waits until the host asks
    /// for it.
    pub(crate) hooked: Ids,
    /// Nodes with scripts behind them: what follows waits likewise, except for data tests.
    pub(crate) followed: Ids,
    /// Data tests.
    pub(crate) tests: Ids,
    /// Unit tests with their models. `dbt build` runs the two together, and never the test alone.
    pub(crate) unit_tests: BTreeMap<String, String>,
    pub(super) before: HashMap<String, Ids>,
    pub(super) after: HashMap<String, Vec<String>>,
}

/// Returns whether nodes that depend on one with this status may run.
pub(crate) fn went_well(status: NodeStatus) -> bool {
    use NodeStatus::{NoOp, Pass, Success, Warn};
    matches!(status, Success | Pass | Warn | NoOp)
}

impl Plan {
    /// Sets the order of the run. `parents` may name nodes that are not part of it: order passes
    /// through them.
    #[must_use]
    pub(crate) fn in_order_of(mut self, parents: &Parents) -> Self {
        for node in self.dbt.union(&self.elsewhere) {
            let before = self.above(node, parents);
            for parent in &before {
                let after = self.after.entry(parent.clone()).or_default();
                after.push(node.clone());
            }
            self.before.insert(node.clone(), before);
        }
        self
    }

    fn above(&self, node: &str, parents: &Parents) -> Ids {
        let parents = |node: &str| parents.get(node).into_iter().flatten();
        let (mut found, mut seen) = (Ids::new(), HashSet::new());
        let mut stack: Vec<_> = parents(node).collect();
        while let Some(parent) = stack.pop() {
            if self.has(parent) {
                found.insert(parent.clone());
            } else if seen.insert(parent) {
                stack.extend(parents(parent));
            }
        }
        found
    }

    /// Returns whether a node is part of the run.
    pub(crate) fn has(&self, node: &str) -> bool {
        self.dbt.contains(node) || self.elsewhere.contains(node)
    }

    /// Returns the nodes of this run that come directly before `node`.
    pub(crate) fn before(&self, node: &str) -> impl Iterator<Item = &String> {
        self.before.get(node).into_iter().flatten()
    }

    /// Returns the nodes whose hooks and scripts have ended, since the host asks for what follows
    /// them.
    pub(crate) fn settled_by(&self, asked: &str) -> impl Iterator<Item = &String> {
        let is_test = self.tests.contains(asked);
        self.before(asked).filter(move |node| {
            self.hooked.contains(*node) || (self.followed.contains(*node) && !is_test)
        })
    }

    /// Returns whether one call of dbt runs all that dbt runs.
    pub(crate) fn is_one_call(&self) -> bool {
        let sets = [&self.elsewhere, &self.held, &self.hooked, &self.followed];
        sets.iter().all(|set| set.is_empty())
    }

    /// Returns the largest set that dbt can run now: what was asked for, and all whose turn comes
    /// once the rest of the set has run.
    ///
    /// `ended` are the statuses of what has run, `running` the nodes of other calls, and `settled`
    /// the nodes whose hooks and scripts have ended. Unit tests whose models are not in the set make
    /// a set without others.
    pub(crate) fn next(
        &self,
        asked: &Ids,
        ended: &HashMap<String, NodeStatus>,
        running: &Ids,
        settled: &Ids,
    ) -> Ids {
        // A node of a call that runs may have ended: its call may still say otherwise.
        let open = |node: &&String| !ended.contains_key(*node) && !running.contains(*node);
        let mut batch: Ids = asked
            .intersection(&self.dbt)
            .filter(open)
            .cloned()
            .collect();
        let mut to_try: Vec<_> = self.dbt.difference(&self.held).filter(open).collect();
        while let Some(node) = to_try.pop() {
            let is_done = |parent: &String| {
                batch.contains(parent) || ended.get(parent).is_some_and(|&status| went_well(status))
            };
            if !batch.contains(node)
                && self.settled_by(node).all(|node| settled.contains(node))
                && self.before(node).all(is_done)
            {
                batch.insert(node.clone());
                let after = self.after.get(node).into_iter().flatten();
                to_try.extend(after.filter(|node| {
                    self.dbt.contains(*node) && !self.held.contains(*node) && open(node)
                }));
            }
        }
        let is_alone = |node: &String| {
            let model = self.unit_tests.get(node);
            model.is_some_and(|model| !batch.contains(model))
        };
        let (alone, together): (Ids, Ids) = batch.iter().cloned().partition(is_alone);
        if together.is_empty() {
            alone
        } else {
            together
        }
    }
}

/// Adds the order of `build`: a data test comes before what depends on all that it tests, and a
/// unit test, named with its model, before its model.
pub(crate) fn add_tests(parents: &mut Parents, tests: &Ids, unit_tests: &BTreeMap<String, String>) {
    let mut children: HashMap<&str, HashSet<&str>> = HashMap::new();
    for (node, its) in parents.iter() {
        if !tests.contains(node) && !unit_tests.contains_key(node) {
            for parent in its {
                children.entry(parent).or_default().insert(node);
            }
        }
    }
    let below = |node| {
        let (mut found, mut stack) = (HashSet::new(), vec![node]);
        while let Some(node) = stack.pop() {
            let its = children.get(node).into_iter().flatten().copied();
            stack.extend(its.filter(|child| found.insert(*child)));
        }
        found
    };
    let mut added: Vec<(String, String)> = Vec::new();
    for test in tests {
        let after = match parents.get(test).map_or(&[][..], Vec::as_slice) {
            [] => continue,
            // What comes later waits for the children.
            [one] => children.get(one.as_str()).cloned().unwrap_or_default(),
            [first, rest @ ..] => rest.iter().fold(below(first), |all, node| {
                all.intersection(&below(node)).copied().collect()
            }),
        };
        added.extend(after.iter().map(|&node| (node.to_owned(), test.clone())));
    }
    let models = unit_tests.iter();
    added.extend(models.map(|(test, model)| (model.clone(), test.clone())));
    for (node, test) in added {
        parents.entry(node).or_default().push(test);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUSES: [NodeStatus; 6] = [
        NodeStatus::Success,
        NodeStatus::Error,
        NodeStatus::Skipped,
        NodeStatus::Warn,
        NodeStatus::Pass,
        NodeStatus::Fail,
    ];

    fn ids<'a>(names: impl IntoIterator<Item = &'a str>) -> Ids {
        names.into_iter().map(str::to_owned).collect()
    }

    /// Draws a plan of up to eight nodes, some of which are not part of the run.
    fn some_plan(random: &mut fastrand::Rng, is_plain: bool) -> Plan {
        let names: Vec<_> = (0..random.usize(1..=8)).map(|i| format!("n{i}")).collect();
        let (mut parents, mut plan) = (Parents::new(), Plan::default());
        for (place, name) in names.iter().enumerate() {
            let some = random.usize(0..=place.min(3));
            let its = random.choose_multiple(names[..place].iter().cloned(), some);
            parents.insert(name.clone(), its);
            match random.u8(0..5) {
                0..3 => drop(plan.dbt.insert(name.clone())),
                3 => drop(plan.elsewhere.insert(name.clone())),
                _ => continue,
            }
            for set in [
                &mut plan.held,
                &mut plan.hooked,
                &mut plan.followed,
                &mut plan.tests,
            ] {
                if !is_plain && random.u8(0..5) == 0 {
                    set.insert(name.clone());
                }
            }
        }
        plan.in_order_of(&parents)
    }

    /// Returns whether dbt can run this set: every node upstream has succeeded or is part of it.
    fn is_allowed(
        plan: &Plan,
        batch: &Ids,
        asked: &Ids,
        ended: &HashMap<String, NodeStatus>,
        running: &Ids,
        settled: &Ids,
    ) -> bool {
        batch.is_disjoint(running)
            && batch.iter().all(|node| {
                let is_done = |parent: &String| {
                    batch.contains(parent)
                        || ended.get(parent).is_some_and(|&status| went_well(status))
                };
                let waits = |parent: &&String| {
                    plan.hooked.contains(*parent)
                        || (plan.followed.contains(*parent) && !plan.tests.contains(node))
                };
                let in_turn = asked.contains(node)
                    || (!plan.held.contains(node)
                        && plan.before(node).all(is_done)
                        && plan
                            .before(node)
                            .filter(waits)
                            .all(|parent| settled.contains(parent)));
                in_turn && !ended.contains_key(node)
            })
    }

    #[test]
    fn a_batch_is_the_largest_set_that_may_run() {
        for seed in 0..500 {
            let mut random = fastrand::Rng::with_seed(seed);
            let plan = some_plan(&mut random, false);
            let mut drawn = |chance: u8, names: &Ids| -> Ids {
                names
                    .iter()
                    .filter(|_| random.u8(0..10) < chance)
                    .cloned()
                    .collect()
            };
            let every: Ids = plan.dbt.union(&plan.elsewhere).cloned().collect();
            let of_ended = drawn(4, &every);
            let asked: Ids = drawn(3, &plan.dbt).difference(&of_ended).cloned().collect();
            let with_scripts: Ids = plan.hooked.union(&plan.followed).cloned().collect();
            let settled = drawn(5, &with_scripts.intersection(&of_ended).cloned().collect());
            let running: Ids = drawn(2, &plan.dbt)
                .into_iter()
                .filter(|node| !of_ended.contains(node) && !asked.contains(node))
                .collect();
            let ended = of_ended.into_iter();
            let ended = ended
                .map(|name| (name, *random.choice(&STATUSES).unwrap()))
                .collect();
            let batch = plan.next(&asked, &ended, &running, &settled);
            let names: Vec<_> = plan.dbt.iter().collect();
            let sets = (0_u32..1 << names.len()).map(|bits| -> Ids {
                let chosen = (0..names.len()).filter(|place| bits >> place & 1 == 1);
                chosen.map(|place| names[place].clone()).collect()
            });
            let largest = sets
                .filter(|set| is_allowed(&plan, set, &asked, &ended, &running, &settled))
                .max_by_key(Ids::len);
            assert_eq!(Some(&batch), largest.as_ref(), "seed {seed}: {plan:?}");
            assert!(asked.is_subset(&batch), "seed {seed}");
        }
    }

    /// Returns how often a path leaves dbt: one less than the number of calls that any order needs.
    fn depth(plan: &Plan, node: &str) -> usize {
        let leaves =
            |parent: &str| usize::from(plan.dbt.contains(parent) && plan.elsewhere.contains(node));
        let steps = plan
            .before(node)
            .map(|parent| depth(plan, parent) + leaves(parent));
        steps.max().unwrap_or(0)
    }

    #[test]
    fn a_run_needs_as_few_calls_as_the_graph_allows() {
        for seed in 0..500 {
            let plan = some_plan(&mut fastrand::Rng::with_seed(seed), true);
            let every: Ids = plan.dbt.union(&plan.elsewhere).cloned().collect();
            let (mut ended, mut calls) = (HashMap::new(), 0);
            while ended.len() < every.len() {
                // The host runs every node that it can run itself before it waits for dbt.
                let is_ready = |node: &&String| {
                    !ended.contains_key(*node)
                        && plan.before(node).all(|parent| ended.contains_key(parent))
                };
                let ready: Ids = every.iter().filter(is_ready).cloned().collect();
                let own: Ids = ready.intersection(&plan.elsewhere).cloned().collect();
                let done = if own.is_empty() {
                    calls += 1;
                    let asked = ids([ready.first().unwrap().as_str()]);
                    let batch = plan.next(&asked, &ended, &ids([]), &ids([]));
                    assert!(ready.is_subset(&batch), "seed {seed}");
                    batch
                } else {
                    own
                };
                ended.extend(done.into_iter().map(|node| (node, NodeStatus::Success)));
            }
            let needed = plan.dbt.iter().map(|node| depth(&plan, node) + 1).max();
            assert_eq!(calls, needed.unwrap_or(0), "seed {seed}");
        }
    }

    #[test]
    fn calls_at_the_same_time_run_each_node_once_and_after_what_it_needs() {
        for seed in 0..500 {
            let mut random = fastrand::Rng::with_seed(seed);
            let plan = some_plan(&mut random, true);
            let every: Ids = plan.dbt.union(&plan.elsewhere).cloned().collect();
            let (mut ended, mut calls) = (HashMap::new(), Vec::<Ids>::new());
            while ended.len() < every.len() {
                let running: Ids = calls.iter().flatten().cloned().collect();
                let is_ready = |node: &&String| {
                    !ended.contains_key(*node)
                        && !running.contains(*node)
                        && plan.before(node).all(|parent| ended.contains_key(parent))
                };
                let ready: Vec<_> = every.iter().filter(is_ready).cloned().collect();
                match random.choice(&ready) {
                    Some(node) if random.bool() || calls.is_empty() => {
                        if plan.elsewhere.contains(node) {
                            ended.insert(node.clone(), NodeStatus::Success);
                        } else {
                            let asked = ids([node.as_str()]);
                            let batch = plan.next(&asked, &ended, &running, &ids([]));
                            assert!(batch.contains(node), "seed {seed}");
                            let is_open =
                                |id: &String| !running.contains(id) && !ended.contains_key(id);
                            assert!(batch.iter().all(is_open), "seed {seed}");
                            calls.push(batch);
                        }
                    }
                    _ => {
                        // A node of some call ends, of which the others may not know yet.
                        let place = random.usize(0..calls.len());
                        let first = calls[place].iter().find(|node| {
                            plan.before(node).all(|parent| ended.contains_key(parent))
                        });
                        let node = first.expect("a node that has all it needs").clone();
                        ended.insert(node.clone(), NodeStatus::Success);
                        calls[place].remove(&node);
                        calls.retain(|call| !call.is_empty());
                    }
                }
            }
        }
    }

    fn parents(of: &[(&str, &[&str])]) -> Parents {
        let owned = |its: &[&str]| its.iter().map(|&name| name.to_owned()).collect();
        of.iter()
            .map(|&(node, its)| (node.to_owned(), owned(its)))
            .collect()
    }

    #[test]
    fn tests_come_before_what_depends_on_all_that_they_test() {
        let mut order = parents(&[
            ("a", &[]),
            ("b", &["a"]),
            ("c", &["b"]),
            ("d", &["a"]),
            ("of_a", &["a"]),
            ("of_b_and_d", &["b", "d"]),
            ("e", &["c", "d"]),
            ("u", &[]),
        ]);
        let unit_tests = BTreeMap::from([("u".to_owned(), "b".to_owned())]);
        add_tests(&mut order, &ids(["of_a", "of_b_and_d"]), &unit_tests);
        let sorted = |node: &str| ids(order[node].iter().map(String::as_str));
        assert_eq!(sorted("b"), ids(["a", "of_a", "u"]));
        assert_eq!(sorted("d"), ids(["a", "of_a"]));
        assert_eq!(sorted("c"), ids(["b"]));
        assert_eq!(sorted("e"), ids(["c", "d", "of_b_and_d"]));
        assert_eq!(sorted("of_b_and_d"), ids(["b", "d"]));
    }

    #[test]
    fn a_unit_test_runs_with_its_model_or_alone() {
        let order = parents(&[("a", &[]), ("m", &["a", "u"]), ("u", &[])]);
        let plan = |held: &[&str]| {
            let plan = Plan {
                dbt: ids(["a", "m", "u"]),
                held: ids(held.iter().copied()),
                unit_tests: BTreeMap::from([("u".to_owned(), "m".to_owned())]),
                ..Plan::default()
            };
            plan.in_order_of(&order)
        };
        let next = |plan: &Plan, asked: &str, ended: &[(&str, NodeStatus)]| {
            let ended = ended
                .iter()
                .map(|&(node, status)| (node.to_owned(), status));
            plan.next(&ids([asked]), &ended.collect(), &ids([]), &ids([]))
        };
        let (success, pass) = (NodeStatus::Success, NodeStatus::Pass);
        assert_eq!(next(&plan(&[]), "u", &[]), ids(["a", "m", "u"]));
        let held = plan(&["m"]);
        assert_eq!(next(&held, "u", &[]), ids(["a"]));
        assert_eq!(next(&held, "u", &[("a", success)]), ids(["u"]));
        assert_eq!(next(&held, "m", &[("a", success), ("u", pass)]), ids(["m"]));
    }
}
