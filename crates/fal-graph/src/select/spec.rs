//! Selections as trees of criteria, independent of their syntax.

use std::str::FromStr;

use super::criterion::Criterion;
use fal_plugin::nearest;

use crate::error::SelectError;

/// How tests follow the nodes they test.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IndirectSelection {
    /// A test comes with any of its parents.
    #[default]
    Eager,
    /// A test comes with all of its parents.
    Cautious,
    /// As cautious, but ancestors of what is selected count as parents too.
    Buildable,
    /// Tests do not follow.
    Empty,
}

impl IndirectSelection {
    const NAMES: [(&'static str, Self); 4] = [
        ("eager", Self::Eager),
        ("cautious", Self::Cautious),
        ("buildable", Self::Buildable),
        ("empty", Self::Empty),
    ];
}

impl FromStr for IndirectSelection {
    type Err = SelectError;

    fn from_str(text: &str) -> Result<Self, SelectError> {
        let found = Self::NAMES.iter().find(|(name, _)| *name == text);
        found.map(|(_, mode)| *mode).ok_or_else(|| SelectError::Syntax {
            expression: text.to_owned(),
            reason: match nearest(text, Self::NAMES.map(|(name, _)| name)) {
                Some(name) => {
                    format!("indirect selection is eager, cautious, buildable or empty; did you mean {name}?")
                }
                None => "indirect selection is eager, cautious, buildable or empty".to_owned(),
            },
        })
    }
}

/// How the parts of a group are combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Combine {
    Union,
    Intersection,
    /// The first without all others.
    Difference,
}

/// A tree of criteria.
#[derive(Clone, Debug)]
pub(super) enum Spec {
    One(Criterion),
    Group(Group),
}

/// Several specs combined.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) combine: Combine,
    pub(super) parts: Vec<Spec>,
    pub(super) indirect: IndirectSelection,
    /// The expression to warn about when nothing matches.
    pub(super) expected: Option<String>,
}

impl Spec {
    /// A group without expectations, as dbt makes them of definitions.
    pub(super) fn group(combine: Combine, parts: Vec<Self>) -> Self {
        Self::Group(Group {
            combine,
            parts,
            indirect: IndirectSelection::Eager,
            expected: None,
        })
    }
}
