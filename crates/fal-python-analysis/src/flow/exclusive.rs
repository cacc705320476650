//! Conditions of one block that exclude each other: `if full:` and later `if not full:`, `if mode
//! == "a":` and later `if mode == "b":`. Whether the value changes in between is not checked: if it
//! may change, it is not certain that both hold, so there is no error to report.

use super::{outcome::Flow, walker::Walker};
use crate::tree::{Kind, NodeId, Unary};

/// The largest number of cases that are distinguished.
const LIMIT: usize = 8;

/// A condition: what is tested, and the literal that it is compared with.
#[derive(Clone, Copy, PartialEq)]
struct Test<'t> {
    node: NodeId,
    subject: &'t str,
    literal: Option<&'t str>,
    negated: bool,
}

impl<'t> Walker<'_, 't, '_> {
    /// Counts the block once for each case of a condition that several of its statements test;
    /// `None` if there is no such condition.
    pub(super) fn by_cases(&mut self, statements: &[NodeId]) -> Option<Flow> {
        let tests = self.tests(statements);
        let open = |test: &&Test<'_>| !self.assumed.contains_key(&test.node);
        let shared = |test: &&Test<'_>| {
            tests
                .iter()
                .filter(|other| other.subject == test.subject)
                .count()
                > 1
        };
        let subject = tests.iter().filter(open).find(shared)?.subject;
        let group: Vec<Test<'t>> = tests
            .into_iter()
            .filter(|test| test.subject == subject)
            .collect();
        let mut cases: Vec<Option<&str>> = group.iter().map(|test| test.literal).collect();
        cases.sort_unstable();
        cases.dedup();
        let literals = cases.iter().flatten().count();
        if literals > LIMIT
            || (literals > 0 && literals < cases.len())
            || self.assumed.len() > LIMIT
        {
            return None;
        }
        // In the last case no literal matches, or the condition fails.
        let flows = cases
            .iter()
            .map(Some)
            .chain([None])
            .map(|case| self.in_case(statements, &group, case));
        flows.collect::<Vec<_>>().into_iter().reduce(Flow::or)
    }

    fn in_case(
        &mut self,
        statements: &[NodeId],
        group: &[Test<'_>],
        case: Option<&Option<&str>>,
    ) -> Flow {
        for test in group {
            let holds = case.is_some_and(|literal| test.literal == *literal);
            self.assumed.insert(test.node, holds != test.negated);
        }
        let flow = self.block(statements);
        group.iter().for_each(|test| {
            self.assumed.remove(&test.node);
        });
        flow
    }

    /// Returns the conditions of `if` and `elif` below which something is relevant.
    fn tests(&self, statements: &[NodeId]) -> Vec<Test<'t>> {
        let mut out = Vec::new();
        for statement in statements {
            let mut at = *statement;
            while let Kind::If { body } = self.kind(at) {
                // An `elif` is a part of the `if` before it.
                if !self.is_relevant(at) {
                    break;
                }
                let kids = self.kids(at);
                out.push(self.test(kids[0]));
                if out.len() > 2 * LIMIT {
                    return Vec::new();
                }
                match &kids[1 + *body as usize..] {
                    [next] => at = *next,
                    _ => break,
                }
            }
        }
        out
    }

    fn test(&self, node: NodeId) -> Test<'t> {
        let kids = self.kids(node);
        if let (Kind::Unary(Unary::Not), [inner]) = (self.kind(node), kids) {
            let inner = self.test(*inner);
            return Test {
                node,
                negated: !inner.negated,
                ..inner
            };
        }
        let literal = |id: NodeId| {
            matches!(self.kind(id), Kind::Str(_) | Kind::Int(_)).then(|| self.file.source(id))
        };
        match (self.kind(node), kids) {
            (Kind::Compare { equal, unequal }, [left, right]) if *equal || *unequal => {
                let subject = self.file.source(*left);
                match literal(*right) {
                    Some(value) => Test {
                        node,
                        subject,
                        literal: Some(value),
                        negated: *unequal,
                    },
                    None => Test {
                        node,
                        subject: self.file.source(node),
                        literal: None,
                        negated: false,
                    },
                }
            }
            _ => Test {
                node,
                subject: self.file.source(node),
                literal: None,
                negated: false,
            },
        }
    }
}
