//! Statements, except `try`.

use super::{
    outcome::{End, Flow},
    paths::either,
    repeat::Turns,
    walker::Walker,
};
use crate::tree::{Kind, NodeId};

impl Walker<'_, '_, '_> {
    /// Counts statements in sequence.
    pub(super) fn block(&mut self, statements: &[NodeId]) -> Flow {
        if let Some(flow) = self.by_cases(statements) {
            return flow;
        }
        let mut flow = Flow::NOTHING;
        for statement in statements {
            if flow.get(End::Normal).is_none() {
                break;
            }
            flow = flow.then(self.statement(*statement));
        }
        flow
    }

    fn statement(&mut self, id: NodeId) -> Flow {
        let kids = self.kids(id);
        match self.kind(id) {
            Kind::If { body } => self.condition(kids, *body as usize),
            Kind::While { body } => self.while_loop(id, kids, *body as usize),
            Kind::For { body } => self.for_loop(id, kids, *body as usize),
            Kind::With { items } => self.with(kids, *items as usize),
            Kind::Match => self.cases(kids),
            Kind::Try { .. } => self.try_block(id),
            Kind::Return => self.sequence(kids).then(Flow::ends(End::Return)),
            Kind::Raise => self.raise(kids),
            Kind::Assert => self.assert(kids),
            Kind::Break => Flow::ends(End::Break),
            Kind::Continue => Flow::ends(End::Continue),
            Kind::ClassDef { bases, body, .. } => self.class(kids, *bases as usize, *body as usize),
            Kind::FunctionDef { body, .. } => self.definition_head(kids, *body as usize),
            Kind::Pass | Kind::Global | Kind::Nonlocal => Flow::NOTHING,
            Kind::Import | Kind::ImportFrom { .. } => Flow::FALLIBLE,
            // Only an expression, which alone may raise.
            Kind::Expr => self.sequence(kids),
            Kind::Assign | Kind::AnnAssign { .. }
                if kids.iter().all(|kid| self.is_plain_target(*kid)) =>
            {
                self.sequence(kids)
            }
            _ => self.sequence(kids).fallible(),
        }
    }

    /// Whether a target only binds a name, which does not raise.
    fn is_plain_target(&self, id: NodeId) -> bool {
        !matches!(
            self.kind(id),
            Kind::Tuple | Kind::List | Kind::Subscript | Kind::Attribute(_)
        )
    }

    fn condition(&mut self, kids: &[NodeId], body: usize) -> Flow {
        let (test, rest) = (kids[0], &kids[1..]);
        let (yes, no) = rest.split_at(body);
        let known = self
            .assumed
            .get(&test)
            .copied()
            .or_else(|| self.outcome_of(test));
        let branches = match known {
            Some(true) => self.block(yes),
            Some(false) => self.block(no),
            None => self.block(yes).or(self.block(no)),
        };
        self.expression(test).then(branches)
    }

    fn while_loop(&mut self, id: NodeId, kids: &[NodeId], body: usize) -> Flow {
        let turns = match self.outcome_of(kids[0]) {
            Some(true) => Turns::Forever,
            Some(false) => Turns::Never,
            None => Turns::Unknown,
        };
        let (body, orelse) = kids[1..].split_at(body);
        let (head, body, orelse) = (
            self.expression(kids[0]),
            self.block(body),
            self.block(orelse),
        );
        self.repeat(id, turns, head, body, orelse)
    }

    fn for_loop(&mut self, id: NodeId, kids: &[NodeId], body: usize) -> Flow {
        let iter = kids[1];
        let (body, orelse) = kids[2..].split_at(body);
        let (body, orelse) = (self.block(body), self.block(orelse));
        let turns = self.turns(iter, body.any());
        // Taking the next item may raise.
        self.expression(iter)
            .then(self.repeat(id, turns, Flow::FALLIBLE, body, orelse))
    }

    fn with(&mut self, kids: &[NodeId], items: usize) -> Flow {
        let (items, body) = kids.split_at(items);
        let flow = self.sequence(items).then(self.block(body));
        let suppresses = items.iter().any(|item| self.is_suppress(*item));
        if suppresses {
            // The block goes on behind a suppressed exception, too.
            let normal = either(flow.get(End::Normal), flow.get(End::Raise));
            flow.with(End::Normal, normal)
        } else {
            flow
        }
    }

    /// `contextlib.suppress(...)`.
    fn is_suppress(&self, item: NodeId) -> bool {
        let Some(manager) = self.kids(item).first() else {
            return false;
        };
        let Some((function, ..)) = self.file.call(*manager) else {
            return false;
        };
        matches!(
            self.kind(function),
            Kind::Name("suppress", _) | Kind::Attribute("suppress")
        )
    }

    fn cases(&mut self, kids: &[NodeId]) -> Flow {
        let Some((subject, cases)) = kids.split_first() else {
            return Flow::NOTHING;
        };
        let mut branches: Option<Flow> = None;
        let mut complete = false;
        for case in cases {
            let parts = self.kids(*case);
            let guard = usize::from(matches!(self.kind(*case), Kind::Case { guard: true }));
            let flow = self
                .sequence(&parts[1..=guard])
                .then(self.block(&parts[1 + guard..]));
            branches = Some(branches.map_or(flow, |before| before.or(flow)));
            complete |=
                guard == 0 && matches!(self.kind(parts[0]), Kind::Pattern { wild: true, .. });
        }
        let branches = branches.unwrap_or(Flow::NOTHING);
        self.expression(*subject).then(if complete {
            branches
        } else {
            branches.optional()
        })
    }

    fn raise(&mut self, kids: &[NodeId]) -> Flow {
        let exception = kids.first().copied();
        let called = exception.and_then(|it| self.file.call(it));
        let class = called
            .map_or(exception, |(class, ..)| Some(class))
            .map(|class| self.kind(class));
        let end = match class {
            Some(Kind::Name("SystemExit", _)) => {
                self.exit(called.and_then(|(_, args, _)| args.first().copied()))
            }
            _ => Flow::ends(End::Raise),
        };
        self.sequence(kids).then(end)
    }

    fn assert(&mut self, kids: &[NodeId]) -> Flow {
        let Some((test, message)) = kids.split_first() else {
            return Flow::NOTHING;
        };
        let tested = self.expression(*test);
        match self.outcome_of(*test) {
            Some(true) => tested,
            Some(false) => tested
                .then(self.sequence(message))
                .then(Flow::ends(End::Raise)),
            None => tested.fallible(),
        }
    }

    /// A class body runs at once.
    fn class(&mut self, kids: &[NodeId], bases: usize, body: usize) -> Flow {
        let (bases, rest) = kids.split_at(bases);
        let (body, rest) = rest.split_at(body);
        self.sequence(rest)
            .then(self.sequence(bases))
            .then(self.block(body))
            .fallible()
    }

    /// Defaults, decorators and annotations are evaluated, the body is not.
    fn definition_head(&mut self, kids: &[NodeId], body: usize) -> Flow {
        self.sequence(&kids[1 + body..])
            .then(self.expression(kids[0]))
    }
}
