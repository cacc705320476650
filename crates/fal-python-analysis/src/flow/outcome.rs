//! The ways in which a statement or expression can end.

use super::paths::{Paths, either};

/// A way to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Continues after it.
    Normal,
    Break,
    Continue,
    Return,
    /// Raises an exception.
    Raise,
    /// Ends the script, as `sys.exit()` does.
    Exit,
}

/// The calls made until each kind of end; `None` if there is no such end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flow([Option<Paths>; 6]);

impl Flow {
    /// Has no end.
    pub(super) const NOWHERE: Self = Self([None; 6]);

    /// Does nothing relevant.
    pub(super) const NOTHING: Self = Self::ends(End::Normal);

    /// Does nothing relevant, but may raise.
    pub(super) const FALLIBLE: Self = Self::NOTHING.with(
        End::Raise,
        Some(Paths {
            min: 0,
            max: 0,
            sure: None,
        }),
    );

    pub(super) const fn normal(paths: Paths) -> Self {
        Self::NOWHERE.with(End::Normal, Some(paths))
    }

    /// Ends only in this way, without calls.
    pub(super) const fn ends(end: End) -> Self {
        Self::NOWHERE.with(end, Some(Paths::ZERO))
    }

    pub(super) const fn get(&self, end: End) -> Option<Paths> {
        self.0[end as usize]
    }

    pub(super) const fn with(mut self, end: End, paths: Option<Paths>) -> Self {
        self.0[end as usize] = paths;
        self
    }

    pub(super) fn without<const N: usize>(self, ends: [End; N]) -> Self {
        ends.into_iter()
            .fold(self, |flow, end| flow.with(end, None))
    }

    /// Joins this after `before`.
    pub(super) fn after(self, before: Paths) -> Self {
        self.map(|paths| before.then(paths))
    }

    pub(super) fn map(self, change: impl Fn(Paths) -> Paths) -> Self {
        Self(self.0.map(|paths| paths.map(&change)))
    }

    /// Joins in sequence.
    pub(super) fn then(self, next: Self) -> Self {
        match self.get(End::Normal) {
            Some(normal) => self.without([End::Normal]).or(next.after(normal)),
            None => self,
        }
    }

    /// Joins alternatives.
    pub(super) fn or(self, other: Self) -> Self {
        Self(std::array::from_fn(|end| either(self.0[end], other.0[end])))
    }

    /// Either this or nothing.
    pub(super) fn optional(self) -> Self {
        self.or(Self::NOTHING)
    }

    /// The next step may raise.
    pub(super) fn fallible(self) -> Self {
        self.then(Self::FALLIBLE)
    }

    /// Returns all ends together.
    pub(super) fn any(&self) -> Option<Paths> {
        self.0.into_iter().fold(None, either)
    }
}
