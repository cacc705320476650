//! The numbers of calls on the paths to one point.

use crate::tree::NodeId;

/// A count without a bound.
pub(super) const UNBOUNDED: u32 = u32::MAX;

/// One call on a path: the call of `write_to_model`, and where the module reaches it (itself, or
/// the call of the function that holds it).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Site {
    pub(super) write: NodeId,
    pub(super) via: NodeId,
}

/// The worst of the paths that are explicit in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sure {
    pub(super) count: u32,
    /// The first two calls on it.
    pub(super) sites: [Option<Site>; 2],
    /// The call that a loop repeats, and the loop.
    pub(super) looped: Option<(Site, NodeId)>,
}

impl Sure {
    const NONE: Self = Self {
        count: 0,
        sites: [None; 2],
        looped: None,
    };

    fn then(self, next: Self) -> Self {
        let mut sites = self.sites.into_iter().chain(next.sites).flatten();
        Self {
            count: self.count.saturating_add(next.count),
            sites: [sites.next(), sites.next()],
            looped: self.looped.or(next.looped),
        }
    }

    fn repeated(self, by: NodeId) -> Self {
        let looped = self.looped.or(self.sites[0].map(|site| (site, by)));
        if self.count == 0 {
            self
        } else {
            Self {
                count: UNBOUNDED,
                looped,
                ..self
            }
        }
    }
}

/// Calls on the paths to one point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Paths {
    pub(super) min: u32,
    pub(super) max: u32,
    /// `None`: only an exception that might be raised, or something else uncertain, leads here.
    pub(super) sure: Option<Sure>,
}

impl Paths {
    /// No calls.
    pub(super) const ZERO: Self = Self {
        min: 0,
        max: 0,
        sure: Some(Sure::NONE),
    };

    pub(super) fn one(write: NodeId) -> Self {
        let site = Site { write, via: write };
        Self {
            min: 1,
            max: 1,
            sure: Some(Sure {
                count: 1,
                sites: [Some(site), None],
                looped: None,
            }),
        }
    }

    /// Between none and this many calls.
    pub(super) fn perhaps(max: u32) -> Self {
        Self {
            min: 0,
            max,
            sure: Some(Sure::NONE),
        }
    }

    /// These paths, of which it is uncertain whether they are taken.
    pub(super) fn unsure(self) -> Self {
        Self { sure: None, ..self }
    }

    pub(super) fn then(self, next: Self) -> Self {
        Self {
            min: self.min.saturating_add(next.min),
            max: self.max.saturating_add(next.max),
            sure: self
                .sure
                .zip(next.sure)
                .map(|(first, second)| first.then(second)),
        }
    }

    pub(super) fn or(self, other: Self) -> Self {
        let sure = match (self.sure, other.sure) {
            (Some(a), Some(b)) => Some(if b.count > a.count { b } else { a }),
            (a, b) => a.or(b),
        };
        Self {
            min: self.min.min(other.min),
            max: self.max.max(other.max),
            sure,
        }
    }

    /// Any number of turns of a loop, including none.
    pub(super) fn repeated(self, by: NodeId) -> Self {
        let max = if self.max == 0 { 0 } else { UNBOUNDED };
        let sure = self.sure.map_or(Sure::NONE, |sure| sure.repeated(by));
        Self {
            min: 0,
            max,
            sure: Some(sure),
        }
    }

    /// The same calls, reached through a call of the function that holds them.
    pub(super) fn via(self, call: NodeId) -> Self {
        let site = |site: Site| Site { via: call, ..site };
        let sure = self.sure.map(|sure| Sure {
            sites: sure.sites.map(|it| it.map(site)),
            looped: sure.looped,
            count: sure.count,
        });
        Self { sure, ..self }
    }
}

/// Joins points of which one may not be reachable.
pub(super) fn either(a: Option<Paths>, b: Option<Paths>) -> Option<Paths> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.or(b)),
        (a, b) => a.or(b),
    }
}
