//! Problems with references that lead nowhere.

use fal_plugin::payload::{Dependency, DependencyKind, Diagnostic, Severity};

use super::known::KnownNames;
use fal_plugin::nearest;

use crate::{diagnostics::FileDiagnostic, model::ModelFile};

/// Why a reference leads nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// No node has the name.
    Unknown,
    /// The node with this name is switched off (`enabled: false`).
    Disabled,
    /// The same, judged by the text of a SQL file.
    PerhapsDisabled,
    /// No package has the name.
    Package,
}

/// Returns the problem of a model that reads an unknown name: a warning if something that the files
/// do not show may define the name, else an error.
pub fn unknown(
    model: &ModelFile,
    dependency: &Dependency,
    missing: &Missing,
    names: &KnownNames,
) -> FileDiagnostic {
    let doubts = names.doubts(dependency.kind);
    let uncertain =
        !doubts.is_empty() && *missing != Missing::Disabled || *missing == Missing::PerhapsDisabled;
    let what = match dependency.kind {
        DependencyKind::Ref => "model, seed or snapshot",
        DependencyKind::Source => "source of a schema file",
    };
    let reading = format!("`{}` reads `{}`", model.name, dependency.text);
    let message = match missing {
        Missing::Unknown => format!("{reading}, but no {what} has this name"),
        Missing::Package => format!("{reading}, but no package has this name"),
        Missing::Disabled | Missing::PerhapsDisabled => {
            format!("{reading}, which is switched off (`enabled: false`)")
        }
    };
    let mut help: Vec<String> = Vec::new();
    help.extend(near(dependency, names, *missing).map(|name| format!("did you mean `{name}`?")));
    if uncertain && !doubts.is_empty() {
        help.push(format!(
            "this is not certain, because {}",
            doubts.join(" and ")
        ));
    }
    if help.is_empty() {
        help.push(what_to_do(dependency, *missing));
    }
    let diagnostic = Diagnostic {
        code: if dependency.kind == DependencyKind::Ref {
            "ref::unknown"
        } else {
            "source::unknown"
        }
        .to_owned(),
        severity: if uncertain {
            Severity::Warning
        } else {
            Severity::Error
        },
        message,
        labels: Vec::new(),
        help: Some(help.join("; ")),
        cell: None,
    };
    model.complain(diagnostic, dependency.span, "read here")
}

fn near(dependency: &Dependency, names: &KnownNames, missing: Missing) -> Option<String> {
    if missing != Missing::Unknown && missing != Missing::Package {
        return None;
    }
    match (dependency.kind, dependency.args.as_slice()) {
        (DependencyKind::Ref, [package, _]) if missing == Missing::Package => {
            nearest(package, names.packages()).map(|name| format!("ref('{name}', ...)"))
        }
        (DependencyKind::Ref, [.., name]) => nearest(name, names.refs()).map(str::to_owned),
        (DependencyKind::Source, args) => {
            let sources = names.sources();
            nearest(&args.join("."), sources.iter().map(String::as_str)).map(str::to_owned)
        }
        _ => None,
    }
}

fn what_to_do(dependency: &Dependency, missing: Missing) -> String {
    match (missing, dependency.kind) {
        (Missing::Disabled | Missing::PerhapsDisabled, _) => {
            "switch it on, or read something else".to_owned()
        }
        (_, DependencyKind::Source) => {
            "name it in a schema file: `sources: [{name: ..., tables: [{name: ...}]}]`".to_owned()
        }
        (Missing::Package, _) => "install the package (`dbt deps`), or correct the name".to_owned(),
        (_, DependencyKind::Ref) => "correct the name, or create the file".to_owned(),
    }
}
