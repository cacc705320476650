//! Calls: of `write_to_model`, of the file's functions, of functions that end the script.

use super::{
    outcome::{End, Flow},
    paths::{Paths, UNBOUNDED, either},
    walker::Walker,
};
use crate::tree::{Kind, NodeId};

impl Walker<'_, '_, '_> {
    /// Counts a call, with its function and arguments.
    pub(super) fn call(&mut self, id: NodeId) -> Flow {
        let Some((function, args, keywords)) = self.file.call(id) else {
            return Flow::FALLIBLE;
        };
        let callee = self.callee(function);
        let head = if matches!(callee, Callee::Unknown) {
            self.expression(function)
        } else {
            Flow::NOTHING
        };
        let before = args
            .iter()
            .chain(keywords)
            .fold(head, |flow, arg| flow.then(self.expression(*arg)));
        let effect = match callee {
            // It may raise before it writes.
            Callee::Unknown | Callee::Write if !self.is_write(id) => Flow::FALLIBLE,
            Callee::Write => Flow::FALLIBLE.then(Flow::normal(Paths::one(id))),
            Callee::Exit => self.exit(args.first().copied()),
            Callee::Function(function) => self.function(function).map(|paths| paths.via(id)),
            Callee::Unknown => Flow::FALLIBLE,
        };
        before.then(effect)
    }

    fn callee(&self, function: NodeId) -> Callee {
        match self.kind(function) {
            Kind::Name("write_to_model", _) => Callee::Write,
            Kind::Name(name, _) => self.named(name, function),
            Kind::Lambda => Callee::Function(function),
            Kind::Attribute("exit" | "_exit") => {
                let module = self.kids(function).first().map(|of| self.kind(*of));
                if matches!(module, Some(Kind::Name("sys" | "os", _))) {
                    Callee::Exit
                } else {
                    Callee::Unknown
                }
            }
            _ => Callee::Unknown,
        }
    }

    fn named(&self, name: &str, at: NodeId) -> Callee {
        let scope = self.file.scopes().scope(at);
        let Some((_, binders)) = self.file.scopes().resolve(name, scope) else {
            return if matches!(name, "exit" | "quit") {
                Callee::Exit
            } else {
                Callee::Unknown
            };
        };
        let [binder] = binders else {
            return Callee::Unknown;
        };
        if is_exit_import(self, *binder) {
            return Callee::Exit;
        }
        self.definition(*binder)
            .map_or(Callee::Unknown, Callee::Function)
    }

    /// Returns the function or lambda that a name is bound to. A decorated function is unknown.
    pub(super) fn definition(&self, binder: NodeId) -> Option<NodeId> {
        if let Kind::FunctionDef { decorators: 0, .. } = self.kind(binder) {
            return Some(binder);
        }
        let Kind::Name(name, _) = self.kind(binder) else {
            return None;
        };
        let value = self.file.bound_value(name, binder)?;
        matches!(self.kind(value), Kind::Lambda).then_some(value)
    }

    /// Counts one call of a function. A coroutine is assumed to be awaited once; a generator may
    /// run or not.
    pub(super) fn function(&mut self, function: NodeId) -> Flow {
        if let Some(known) = self.called.get(&function) {
            return known.unwrap_or_else(|| self.recursion(function));
        }
        self.called.insert(function, None);
        let assumed = std::mem::take(&mut self.assumed);
        let body = self.function_body(function);
        self.assumed = assumed;
        let flow = if self.is_generator(function) {
            Flow::normal(Paths::perhaps(most(&body)))
        } else {
            called(body)
        };
        self.called.insert(function, Some(flow));
        flow
    }

    /// A function that calls itself may write any number of times, if it writes at all. The minimum
    /// comes from the paths without the recursive call.
    fn recursion(&self, function: NodeId) -> Flow {
        let writes = self.is_relevant(function) && !self.writes.is_empty();
        let max = if writes { UNBOUNDED } else { 0 };
        Flow::normal(Paths {
            min: UNBOUNDED,
            max,
            sure: None,
        })
    }

    fn function_body(&mut self, function: NodeId) -> Flow {
        let kids = self.kids(function);
        match self.kind(function) {
            Kind::FunctionDef { body, .. } => self.block(&kids[1..1 + *body as usize]),
            _ => kids
                .get(1)
                .map_or(Flow::NOTHING, |body| self.expression(*body)),
        }
    }

    fn is_generator(&self, function: NodeId) -> bool {
        let mut stack = self.kids(function)[1..].to_vec();
        while let Some(id) = stack.pop() {
            match self.kind(id) {
                Kind::Yield => return true,
                Kind::FunctionDef { .. } | Kind::Lambda | Kind::ClassDef { .. } => {}
                _ => stack.extend_from_slice(self.kids(id)),
            }
        }
        false
    }

    /// `exit()` and `exit(0)` end the script normally, `exit(1)` and `exit("message")` as a
    /// failure.
    pub(super) fn exit(&self, status: Option<NodeId>) -> Flow {
        match status.map(|status| self.kind(status)) {
            Some(Kind::Int(1..) | Kind::Str(_) | Kind::FString | Kind::True) => {
                Flow::ends(End::Raise)
            }
            _ => Flow::ends(End::Exit),
        }
    }
}

enum Callee {
    Write,
    Exit,
    Function(NodeId),
    Unknown,
}

/// `from sys import exit`.
fn is_exit_import(walker: &Walker<'_, '_, '_>, binder: NodeId) -> bool {
    let from = walker.kind(walker.file.scopes().parent(binder));
    let name = walker.kind(binder);
    matches!(
        from,
        Kind::ImportFrom {
            module: Some("sys" | "os"),
            level: 0
        }
    ) && matches!(
        name,
        Kind::Alias {
            name: "exit" | "_exit",
            ..
        }
    )
}

fn called(body: Flow) -> Flow {
    let normal = either(body.get(End::Normal), body.get(End::Return));
    body.with(End::Normal, normal)
        .without([End::Return, End::Break, End::Continue])
}

fn most(body: &Flow) -> u32 {
    body.any().map_or(0, |paths| paths.max)
}
