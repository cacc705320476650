//! The dependencies found so far.

use std::collections::HashSet;

use fal_plugin::payload::{
    Dependency, DependencyKind, DependencyOrigin, Diagnostic, Label, Severity, Span, UnresolvedCall,
};

use super::reference::name;

/// The number of characters of an unresolved call that are shown.
pub(super) const LONGEST: usize = 200;

/// A dependency's identity: whether it is a `ref`, its arguments and its version.
type Read = (bool, Vec<String>, Option<String>);

/// Dependencies in the order of the stub, and the calls that could not be resolved.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The identities of the first dependencies, and the number of dependencies that it covers.
    seen: (HashSet<Read>, usize),
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) unresolved: Vec<UnresolvedCall>,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

impl Found {
    /// Adds a dependency that only evaluation finds, unless it is listed already.
    pub(super) fn add_new(&mut self, dependency: Dependency) {
        let read = |it: &Dependency| {
            (
                it.kind == DependencyKind::Ref,
                it.args.clone(),
                it.version.clone(),
            )
        };
        let (seen, count) = &mut self.seen;
        seen.extend(self.dependencies[*count..].iter().map(read));
        *count = self.dependencies.len();
        if !seen.contains(&read(&dependency)) {
            self.dependencies.push(dependency);
        }
    }

    pub(super) fn add_unresolved(&mut self, kind: DependencyKind, text: &str, span: Span) {
        let mut shown: String = text.chars().take(LONGEST).collect();
        if shown.len() < text.len() {
            shown += "...";
        }
        self.unresolved.push(UnresolvedCall {
            kind,
            text: shown,
            span,
        });
    }

    pub(super) fn warn(
        &mut self,
        code: &str,
        message: String,
        span: Span,
        label: &str,
        help: &str,
    ) {
        self.diagnostics.push(Diagnostic {
            code: code.to_owned(),
            severity: Severity::Warning,
            message,
            labels: vec![Label {
                span,
                text: label.to_owned(),
            }],
            help: Some(help.to_owned()),
            cell: None,
        });
    }

    /// Returns a warning for each unresolved call. There is none if the docstring names a relation
    /// of its kind that the code does not: then the user has followed the advice.
    pub(super) fn warn_of_unresolved(&mut self) {
        let settled = [DependencyKind::Ref, DependencyKind::Source]
            .map(|kind| (kind, self.docstring_adds(kind)));
        for call in std::mem::take(&mut self.unresolved) {
            if !settled.contains(&(call.kind, true)) {
                self.warn_of(&call);
            }
            self.unresolved.push(call);
        }
    }

    fn docstring_adds(&self, kind: DependencyKind) -> bool {
        let of = |declared: bool| {
            let is = move |it: &&Dependency| {
                it.kind == kind && (it.origin == DependencyOrigin::Docstring) == declared
            };
            self.dependencies.iter().filter(is).map(|it| &it.args)
        };
        let found: HashSet<_> = of(false).collect();
        of(true).any(|declared| !found.contains(declared))
    }

    fn warn_of(&mut self, call: &UnresolvedCall) {
        let name = name(call.kind);
        let line = match call.kind {
            DependencyKind::Ref => "- ref('model_name')",
            DependencyKind::Source => "- source('source_name', 'table_name')",
        };
        self.warn(
            "dependency::unresolved",
            format!("what this `{name}` reads is not known before the run"),
            call.span,
            "not a literal, nor a name bound once to one",
            &format!("name what it reads in the module docstring, in a line such as `{line}`"),
        );
    }
}
