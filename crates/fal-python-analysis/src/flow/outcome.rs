//! The ways in which a statement or expression can end.

use super::paths::{Paths, either};

/// The calls made until each kind of end; `None` if there is no such end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flow {
    /// Continues after it.
    pub(super) normal: Option<Paths>,
    pub(super) breaks: Option<Paths>,
    pub(super) continues: Option<Paths>,
    pub(super) returns: Option<Paths>,
    /// Raises an exception.
    pub(super) raises: Option<Paths>,
    /// Ends the script, as `sys.exit()` does.
    pub(super) exits: Option<Paths>,
}

impl Flow {
    const NOWHERE: Self = Self {
        normal: None,
        breaks: None,
        continues: None,
        returns: None,
        raises: None,
        exits: None,
    };

    /// Does nothing relevant.
    pub(super) const NOTHING: Self = Self::normal(Paths::ZERO);

    /// Does nothing relevant, but may raise.
    pub(super) const FALLIBLE: Self = Self {
        raises: Some(Paths {
            min: 0,
            max: 0,
            sure: None,
        }),
        ..Self::normal(Paths::ZERO)
    };

    pub(super) const fn normal(paths: Paths) -> Self {
        Self {
            normal: Some(paths),
            ..Self::NOWHERE
        }
    }

    pub(super) const fn breaks() -> Self {
        Self {
            breaks: Some(Paths::ZERO),
            ..Self::NOWHERE
        }
    }

    pub(super) const fn continues() -> Self {
        Self {
            continues: Some(Paths::ZERO),
            ..Self::NOWHERE
        }
    }

    pub(super) const fn returns() -> Self {
        Self {
            returns: Some(Paths::ZERO),
            ..Self::NOWHERE
        }
    }

    pub(super) const fn raises() -> Self {
        Self {
            raises: Some(Paths::ZERO),
            ..Self::NOWHERE
        }
    }

    pub(super) const fn exits() -> Self {
        Self {
            exits: Some(Paths::ZERO),
            ..Self::NOWHERE
        }
    }

    /// Joins this after `before`.
    pub(super) fn after(self, before: Paths) -> Self {
        self.map(|paths| before.then(paths))
    }

    pub(super) fn map(self, change: impl Fn(Paths) -> Paths) -> Self {
        Self {
            normal: self.normal.map(&change),
            breaks: self.breaks.map(&change),
            continues: self.continues.map(&change),
            returns: self.returns.map(&change),
            raises: self.raises.map(&change),
            exits: self.exits.map(&change),
        }
    }

    /// Joins in sequence.
    pub(super) fn then(self, next: Self) -> Self {
        match self.normal {
            Some(normal) => Self {
                normal: None,
                ..self
            }
            .or(next.after(normal)),
            None => self,
        }
    }

    /// Joins alternatives.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            normal: either(self.normal, other.normal),
            breaks: either(self.breaks, other.breaks),
            continues: either(self.continues, other.continues),
            returns: either(self.returns, other.returns),
            raises: either(self.raises, other.raises),
            exits: either(self.exits, other.exits),
        }
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
        let all = [
            self.normal,
            self.breaks,
            self.continues,
            self.returns,
            self.raises,
            self.exits,
        ];
        all.into_iter().fold(None, either)
    }
}
