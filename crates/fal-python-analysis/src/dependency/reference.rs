//! Makes a dependency from the arguments of a `ref` or `source`.

use fal_plugin::payload::{Dependency, DependencyKind, DependencyOrigin, Span};

use crate::{names::HostName, value::Value};

/// Keywords of the host's `ref` and `source` that say which part of the data is read and in which
/// form. They do not concern the relation, and dbt does not know them.
const OF_THE_READ: [&str; 4] = ["as_", "columns", WHERE, "limit"];

/// The keyword whose value is SQL, possibly with Jinja.
pub(super) const WHERE: &str = "where";

/// Whether a keyword argument does not concern the relation.
pub(super) fn is_of_the_read(keyword: &str) -> bool {
    OF_THE_READ.contains(&keyword)
}

pub(super) fn name(kind: DependencyKind) -> &'static str {
    match kind {
        DependencyKind::Ref => "ref",
        DependencyKind::Source => "source",
    }
}

pub(super) fn host_name(kind: DependencyKind) -> HostName {
    match kind {
        DependencyKind::Ref => HostName::Ref,
        DependencyKind::Source => HostName::Source,
    }
}

/// Returns the dependency, unless the arguments cannot name a relation.
pub(super) fn dependency(
    kind: DependencyKind,
    values: &[Value],
    keywords: &[(&str, Value)],
    origin: DependencyOrigin,
    span: Span,
) -> Option<Dependency> {
    let args: Vec<String> = values
        .iter()
        .map(|value| value.as_str().map(str::to_owned))
        .collect::<Option<_>>()?;
    let fits = match kind {
        DependencyKind::Ref => matches!(args.len(), 1 | 2),
        DependencyKind::Source => args.len() == 2,
    };
    let named = || keywords.iter().filter(|(name, _)| !is_of_the_read(name));
    let version = named()
        .find(|(name, _)| matches!(*name, "version" | "v"))
        .map(|(_, value)| value.display());
    let printed = values.iter().map(ToString::to_string);
    let printed: Vec<String> = printed
        .chain(named().map(|(name, value)| format!("{name}={value}")))
        .collect();
    let text = format!("{}({})", name(kind), printed.join(", "));
    fits.then_some(Dependency {
        kind,
        text,
        args,
        version,
        origin,
        span,
    })
}
