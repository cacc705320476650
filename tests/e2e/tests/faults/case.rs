//! One fault at one moment of one plugin.

use std::{fmt, str::FromStr};

/// How the plugin is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// A library in the host's process.
    Library,
    /// The same library in an isolated process.
    Isolated,
    /// A program.
    Program,
}

/// Where in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The plugin fills a stage.
    Stage(&'static str),
    /// The plugin runs nodes that the execution backend leases.
    Runner,
    /// The plugin leases nodes to a runner.
    Owner,
}

/// A case, printed as it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Case {
    pub(crate) way: Way,
    pub(crate) role: Role,
    /// The method, or one of `hello`, `opens`, `dropped`, `goodbye`.
    pub(crate) method: &'static str,
    /// At which call of it.
    pub(crate) count: u32,
    pub(crate) fault: &'static str,
    /// Whether Ctrl-C comes when the fault is met, or while nodes run.
    pub(crate) interrupted: bool,
}

const STAGES: [&str; 4] = [
    "python-parser",
    "notebook-parser",
    "stub-writer",
    "execution-backend",
];

impl Case {
    /// The stage that is filled.
    pub(crate) fn stage(&self) -> &'static str {
        match self.role {
            Role::Stage(stage) => stage,
            Role::Runner | Role::Owner => "execution-backend",
        }
    }

    /// Whether the plugin never comes back by itself.
    pub(crate) fn hangs(&self) -> bool {
        let words = [
            "hang",
            "spin",
            "never",
            "is deaf",
            "babbles a little",
            "closes",
            "announces",
            "begins a frame",
        ];
        words.iter().any(|word| self.fault.contains(word))
    }

    /// Whether the fault may have no effect.
    pub(crate) fn is_harmless(&self) -> bool {
        let words = ["is slow", "prints", "complains", "leaks threads", "tells "];
        words.iter().any(|word| self.fault.starts_with(word))
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way = match self.way {
            Way::Library => "library",
            Way::Isolated => "isolated",
            Way::Program => "program",
        };
        let role = match self.role {
            Role::Stage(stage) => stage,
            Role::Runner => "runner",
            Role::Owner => "owner",
        };
        let interrupted = if self.interrupted {
            "interrupted"
        } else {
            "alone"
        };
        write!(
            f,
            "{way} {interrupted} {role} {} {} {}",
            self.method, self.count, self.fault
        )
    }
}

impl FromStr for Case {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let words: Vec<&str> = text.splitn(6, ' ').collect();
        let [way, interrupted, role, method, count, fault] = words[..] else {
            return Err(format!("no case: {text}"));
        };
        let way = match way {
            "library" => Way::Library,
            "isolated" => Way::Isolated,
            "program" => Way::Program,
            other => return Err(format!("no way: {other}")),
        };
        let role = match role {
            "runner" => Role::Runner,
            "owner" => Role::Owner,
            stage => Role::Stage(
                STAGES
                    .into_iter()
                    .find(|known| *known == stage)
                    .ok_or(format!("no role: {stage}"))?,
            ),
        };
        let count = count.parse().map_err(|_| format!("no count: {count}"))?;
        let (method, fault) = (method.to_owned().leak(), fault.to_owned().leak());
        Ok(Self {
            way,
            role,
            method,
            count,
            fault,
            interrupted: interrupted == "interrupted",
        })
    }
}
