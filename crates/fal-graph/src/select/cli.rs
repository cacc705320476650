//! `--select` and `--exclude`: arguments and spaces are unions, commas intersections. A comma by itself says nothing.

use super::criterion::Criterion;
use super::spec::{Combine, Group, IndirectSelection, Spec};
use crate::error::SelectError;

/// Returns what dbt selects when the user names nothing, and all scripts.
const EVERYTHING: [&str; 6] = [
    "fqn:*",
    "source:*",
    "exposure:*",
    "metric:*",
    "semantic_model:*",
    "resource_type:script",
];

/// Returns the difference of the included and the excluded nodes.
pub(super) fn parse(
    select: &[String],
    exclude: &[String],
    indirect: IndirectSelection,
) -> Result<Spec, SelectError> {
    let included = match select {
        [] => union(EVERYTHING, false, indirect)?,
        chosen => union(chosen.iter().map(String::as_str), true, indirect)?,
    };
    let excluded = union(exclude.iter().map(String::as_str), true, indirect)?;
    Ok(Spec::group(Combine::Difference, vec![included, excluded]))
}

fn union<'a>(
    arguments: impl IntoIterator<Item = &'a str>,
    expected: bool,
    indirect: IndirectSelection,
) -> Result<Spec, SelectError> {
    let parts = arguments
        .into_iter()
        .flat_map(|argument| argument.split(' '))
        .filter(|expression| !expression.trim_matches(',').is_empty())
        .map(|expression| intersection(expression, expected, indirect))
        .collect::<Result<_, _>>()?;
    Ok(Spec::Group(Group {
        combine: Combine::Union,
        parts,
        indirect,
        expected: None,
    }))
}

fn intersection(
    expression: &str,
    expected: bool,
    indirect: IndirectSelection,
) -> Result<Spec, SelectError> {
    let parts = expression
        .split(',')
        .map(|part| Criterion::parse(part, indirect).map(Spec::One))
        .collect::<Result<_, _>>()?;
    let expected = expected.then(|| expression.to_owned());
    Ok(Spec::Group(Group {
        combine: Combine::Intersection,
        parts,
        indirect,
        expected,
    }))
}
