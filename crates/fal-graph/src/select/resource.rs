//! The resource types that a command works on.

use fal_plugin::nearest;

use crate::error::SelectError;
use crate::node::Node;

/// All resource types that a selector may name: dbt's, and `script`.
pub(super) const ALL: [&str; 19] = [
    "model",
    "analysis",
    "test",
    "snapshot",
    "operation",
    "seed",
    "rpc",
    "sql_operation",
    "doc",
    "source",
    "macro",
    "exposure",
    "metric",
    "group",
    "saved_query",
    "semantic_model",
    "unit_test",
    "function",
    "script",
];

/// The types that `ls` shows by default.
const LISTED: [&str; 12] = [
    "model",
    "snapshot",
    "seed",
    "test",
    "source",
    "exposure",
    "metric",
    "saved_query",
    "semantic_model",
    "unit_test",
    "function",
    "script",
];

/// The resource types that a selection may hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceTypes(Vec<&'static str>);

impl Default for ResourceTypes {
    /// What `ls` shows.
    fn default() -> Self {
        Self(LISTED.to_vec())
    }
}

impl ResourceTypes {
    /// Returns what a dbt command works on by default. An unknown command works on all types that
    /// `ls` shows.
    pub fn of_command(command: &str) -> Self {
        Self(match command {
            "run" => vec!["model", "script"],
            "seed" => vec!["seed"],
            "snapshot" => vec!["snapshot"],
            "test" => vec!["test", "unit_test"],
            "build" => vec![
                "model",
                "seed",
                "snapshot",
                "test",
                "unit_test",
                "saved_query",
                "function",
                "script",
            ],
            _ => LISTED.to_vec(),
        })
    }

    /// `--resource-type` (`all` and `default` are dbt's words) and `--exclude-resource-type`; without any, `self`.
    ///
    /// # Errors
    /// If a name is not a resource type.
    pub fn narrowed(&self, only: &[String], without: &[String]) -> Result<Self, SelectError> {
        let mut chosen = Vec::new();
        for name in only {
            match name.as_str() {
                "all" => chosen.extend(LISTED.into_iter().chain(["analysis"])),
                "default" => chosen.extend(&self.0),
                name => chosen.push(known(name)?),
            }
        }
        let mut types = if only.is_empty() {
            self.0.clone()
        } else {
            chosen
        };
        for name in without {
            let name = known(name)?;
            types.retain(|other| *other != name);
        }
        types.sort_unstable();
        types.dedup();
        Ok(Self(types))
    }

    /// Adds scripts.
    #[must_use]
    pub fn and_scripts(mut self) -> Self {
        if !self.includes("script") {
            self.0.push("script");
        }
        self
    }

    /// Returns the types that `other` has too.
    #[must_use]
    pub fn within(mut self, other: &Self) -> Self {
        self.0.retain(|name| other.includes(name));
        self
    }

    /// Returns whether the set has a resource type.
    pub fn includes(&self, resource_type: &str) -> bool {
        self.0.contains(&resource_type)
    }

    pub(super) fn has(&self, node: &Node) -> bool {
        self.includes(node.resource_type())
    }
}

fn known(name: &str) -> Result<&'static str, SelectError> {
    let found = ALL.into_iter().find(|other| *other == name);
    found.ok_or_else(|| SelectError::UnknownResourceType {
        name: name.to_owned(),
        nearest: nearest(name, ALL).map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_narrowed_as_dbt_ls_does() -> Result<(), SelectError> {
        let words = |words: &[&str]| {
            words
                .iter()
                .map(|word| (*word).to_owned())
                .collect::<Vec<_>>()
        };
        let run = ResourceTypes::of_command("run");
        assert_eq!(run.narrowed(&[], &words(&["script"]))?.0, ["model"]);
        assert_eq!(
            run.narrowed(&words(&["default", "seed"]), &[])?.0,
            ["model", "script", "seed"].map(|w| w)
        );
        assert_eq!(
            ResourceTypes::default()
                .narrowed(&words(&["all"]), &[])?
                .0
                .len(),
            13
        );
        let error = run
            .narrowed(&words(&["modle"]), &[])
            .map_err(|error| error.to_string());
        assert_eq!(
            error,
            Err("'modle' is not a resource type; did you mean 'model'?".to_owned())
        );
        Ok(())
    }
}
