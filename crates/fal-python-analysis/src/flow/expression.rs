//! Expressions.

use super::{outcome::Flow, walker::Walker};
use crate::tree::{Kind, NodeId};

impl Walker<'_, '_, '_> {
    /// Counts one expression, evaluated once.
    pub(super) fn expression(&mut self, id: NodeId) -> Flow {
        if !self.is_relevant(id) {
            return if self.is_harmless(id) {
                Flow::NOTHING
            } else {
                Flow::FALLIBLE
            };
        }
        let kids = self.kids(id);
        match self.kind(id) {
            Kind::Call { .. } => self.call(id),
            Kind::IfExp => self.choice(kids),
            Kind::And => self.short_circuit(kids, true),
            Kind::Or => self.short_circuit(kids, false),
            Kind::Comprehension { elements } => self.comprehension(id, *elements as usize),
            // Its body runs when it is called.
            Kind::Lambda => Flow::NOTHING,
            _ => self.sequence(kids).fallible(),
        }
    }

    /// Counts all of them in sequence.
    pub(super) fn sequence(&mut self, ids: &[NodeId]) -> Flow {
        ids.iter()
            .fold(Flow::NOTHING, |flow, id| flow.then(self.expression(*id)))
    }

    /// Whether an expression is a name or constant, which scripts do not guard against.
    fn is_harmless(&self, id: NodeId) -> bool {
        match self.kind(id) {
            Kind::Name(..)
            | Kind::Lambda
            | Kind::True
            | Kind::False
            | Kind::None
            | Kind::Ellipsis => true,
            Kind::Str(_)
            | Kind::Bytes(_)
            | Kind::Int(_)
            | Kind::BigInt(_)
            | Kind::Float(_)
            | Kind::Complex(..) => true,
            Kind::Keyword(_) | Kind::Starred => {
                self.kids(id).iter().all(|kid| self.is_harmless(*kid))
            }
            Kind::List | Kind::Tuple => self.kids(id).iter().all(|kid| self.is_harmless(*kid)),
            _ => false,
        }
    }

    fn choice(&mut self, kids: &[NodeId]) -> Flow {
        let [test, yes, no] = kids else {
            return Flow::FALLIBLE;
        };
        let branch = match self.outcome_of(*test) {
            Some(true) => self.expression(*yes),
            Some(false) => self.expression(*no),
            None => self.expression(*yes).or(self.expression(*no)),
        };
        self.expression(*test).then(branch)
    }

    /// `and` goes on while the values hold, `or` while they fail.
    fn short_circuit(&mut self, kids: &[NodeId], while_true: bool) -> Flow {
        let Some((first, rest)) = kids.split_first() else {
            return Flow::NOTHING;
        };
        let head = self.expression(*first);
        if rest.is_empty() {
            return head;
        }
        match self.outcome_of(*first) {
            Some(value) if value != while_true => head,
            Some(_) => head.then(self.short_circuit(rest, while_true)),
            None => head.then(self.short_circuit(rest, while_true).optional()),
        }
    }

    fn comprehension(&mut self, id: NodeId, elements: usize) -> Flow {
        let (elements, generators) = self.kids(id).split_at(elements);
        self.generators(id, generators, elements)
    }

    fn generators(&mut self, id: NodeId, generators: &[NodeId], elements: &[NodeId]) -> Flow {
        let Some((generator, rest)) = generators.split_first() else {
            return self.sequence(elements);
        };
        let kids = self.kids(*generator);
        let [_, iter, conditions @ ..] = kids else {
            return Flow::FALLIBLE;
        };
        let filter = self.sequence(conditions);
        let inner = self.generators(id, rest, elements);
        let inner = if conditions.is_empty() {
            inner
        } else {
            inner.optional()
        };
        let turns = self.turns(*iter, inner.any());
        self.expression(*iter).then(self.repeat(
            id,
            turns,
            Flow::NOTHING,
            filter.then(inner),
            Flow::NOTHING,
        ))
    }
}
