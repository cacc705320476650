//! The exit code, chosen in one place.

use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// All well.
    Well,
    /// A node failed, or a check found something.
    NodeFailed,
    /// The command, the project or a plugin is wrong.
    Wrong,
    /// The user stopped it.
    Interrupted,
}

impl Ended {
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Well => 0,
            Self::NodeFailed => 1,
            Self::Wrong => 2,
            Self::Interrupted => 130,
        }
    }
}

impl From<Ended> for ExitCode {
    fn from(ended: Ended) -> Self {
        Self::from(ended.code())
    }
}
