//! `try`.

use super::{
    outcome::{End, Flow},
    paths::either,
    walker::Walker,
};
use crate::tree::{Kind, NodeId};

/// Which exceptions a handler catches.
#[derive(Clone, Copy, Debug, Default)]
struct Catches {
    /// All errors.
    errors: bool,
    /// Also `SystemExit`.
    exits: bool,
}

impl Walker<'_, '_, '_> {
    pub(super) fn try_block(&mut self, id: NodeId) -> Flow {
        let Kind::Try {
            body,
            handlers,
            orelse,
        } = self.kind(id)
        else {
            return Flow::NOTHING;
        };
        let (body, rest) = self.kids(id).split_at(*body as usize);
        let (handlers, rest) = rest.split_at(*handlers as usize);
        let (orelse, last) = rest.split_at(*orelse as usize);
        let body = self.block(body);
        let caught = self.handlers(handlers, body);
        let mut flow = body.without([End::Raise, End::Exit]);
        if body.get(End::Normal).is_some() {
            flow = flow.then(self.block(orelse));
        }
        flow = flow.or(caught);
        if last.is_empty() {
            flow
        } else {
            finally(flow, self.block(last))
        }
    }

    /// Counts the handlers for the exceptions and exits of the body.
    fn handlers(&mut self, handlers: &[NodeId], body: Flow) -> Flow {
        let mut out = Flow::NOWHERE;
        let mut catches = Catches::default();
        for handler in handlers {
            let these = self.catches(*handler);
            // A handler certainly runs only if it catches everything.
            let sure = these.errors;
            let raised = body
                .get(End::Raise)
                .map(|paths| if sure { paths } else { paths.unsure() });
            let exited = body
                .get(End::Exit)
                .filter(|_| these.exits)
                .map(|paths| paths.unsure());
            let code = self.handler_body(*handler);
            if let Some(entry) = either(raised, exited) {
                out = out.or(code.after(entry));
            }
            catches = Catches {
                errors: catches.errors || these.errors,
                exits: catches.exits || these.exits,
            };
        }
        let raises = body.get(End::Raise).filter(|_| !catches.errors);
        let exits = body.get(End::Exit).filter(|_| !catches.exits);
        out.or(Flow::NOWHERE
            .with(End::Raise, raises)
            .with(End::Exit, exits))
    }

    fn handler_body(&mut self, handler: NodeId) -> Flow {
        let typed = matches!(self.kind(handler), Kind::Handler { typed: true, .. });
        self.block(&self.kids(handler)[usize::from(typed)..])
    }

    fn catches(&self, handler: NodeId) -> Catches {
        let Kind::Handler { typed: true, .. } = self.kind(handler) else {
            return Catches {
                errors: true,
                exits: true,
            };
        };
        let class = self.kids(handler)[0];
        let classes = if matches!(self.kind(class), Kind::Tuple) {
            self.kids(class)
        } else {
            &[class]
        };
        let names = |wanted: &[&str]| {
            classes.iter().any(
                |class| matches!(self.kind(*class), Kind::Name(name, _) if wanted.contains(name)),
            )
        };
        let all = names(&["BaseException"]);
        Catches {
            errors: all || names(&["Exception"]),
            exits: all || names(&["SystemExit"]),
        }
    }
}

/// Joins `finally` after every end; it may replace that end by another.
fn finally(flow: Flow, last: Flow) -> Flow {
    let Some(any) = flow.any() else { return flow };
    let goes_on = last
        .get(End::Normal)
        .map(|paths| flow.map(|before| before.then(paths)));
    let ends = last.without([End::Normal]).after(any);
    goes_on.map_or(ends, |goes_on| goes_on.or(ends))
}
