//! The placeholders, and their values in one attempt at a node.

use std::{fmt, path::Path};

use fal_plugin::payload::Resources;
use serde_json::Value;

/// The longest job name: the limit for the name of a Kubernetes pod.
const LONGEST_JOB: usize = 63;

/// The name of a placeholder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    Known(&'static str),
    /// `{custom.KEY}`
    Custom(String),
}

/// All placeholder names except `custom.KEY`.
pub(crate) const NAMES: [&str; 13] = [
    "script",
    "dir",
    "node",
    "name",
    "job",
    "cpus",
    "memory",
    "memory_mb",
    "gpus",
    "timeout",
    "timeout_minutes",
    "environment",
    "python",
];

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(name) => f.write_str(name),
            Self::Custom(key) => write!(f, "custom.{key}"),
        }
    }
}

impl Name {
    /// Returns the name that `text` spells, if there is such a placeholder.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if let Some(key) = text.strip_prefix("custom.").filter(|key| !key.is_empty()) {
            return Some(Self::Custom(key.to_owned()));
        }
        let known = NAMES.iter().find(|name| **name == text);
        known.map(|name| Self::Known(name))
    }
}

/// The placeholder values of one attempt.
pub(crate) struct Values<'a> {
    pub(crate) node: &'a str,
    pub(crate) name: &'a str,
    pub(crate) job: &'a str,
    pub(crate) resources: &'a Resources,
    pub(crate) environment: Option<&'a str>,
    pub(crate) python: &'a str,
    /// With `bundle: file`: the folder and the script.
    pub(crate) files: Option<(&'a Path, &'a Path)>,
}

impl Values<'_> {
    /// Returns the value of a placeholder, or `None` if the node does not set it.
    pub(crate) fn get(&self, name: &Name) -> Option<String> {
        let name = match name {
            Name::Custom(key) => return self.resources.custom.get(key).and_then(scalar),
            Name::Known(name) => *name,
        };
        let path = |path: &Path| path.to_string_lossy().into_owned();
        match name {
            "script" => self.files.map(|(_, script)| path(script)),
            "dir" => self.files.map(|(dir, _)| path(dir)),
            "node" => Some(self.node.to_owned()),
            "name" => Some(self.name.to_owned()),
            "job" => Some(self.job.to_owned()),
            "cpus" => self.resources.cpus.map(|cpus| cpus.to_string()),
            "memory" => self.resources.memory.map(|bytes| bytes.to_string()),
            "memory_mb" => self
                .resources
                .memory
                .map(|bytes| bytes.div_ceil(1 << 20).to_string()),
            "gpus" => self.resources.gpus.map(|gpus| gpus.to_string()),
            "timeout" => self
                .resources
                .timeout
                .map(|seconds| seconds.ceil().to_string()),
            "timeout_minutes" => self
                .resources
                .timeout
                .map(|seconds| (seconds / 60.0).ceil().to_string()),
            "environment" => self.environment.map(str::to_owned),
            _ => Some(self.python.to_owned()),
        }
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        // Lists and mappings become JSON.
        other => Some(other.to_string()),
    }
}

/// Returns the short name of a node: `orders` for `model.shop.orders`.
pub(crate) fn short_name(unique_id: &str) -> &str {
    unique_id.splitn(3, '.').nth(2).unwrap_or(unique_id)
}

/// Returns a unique name for one attempt that every queue and cluster accepts: lower-case letters,
/// digits and dashes.
pub(crate) fn job_name(name: &str) -> String {
    let letter = |char: char| {
        if char.is_ascii_alphanumeric() {
            char.to_ascii_lowercase()
        } else {
            '-'
        }
    };
    let suffix = format!("-{:08x}", fastrand::u32(..));
    let room = LONGEST_JOB - "fal-".len() - suffix.len();
    let plain: String = name.chars().map(letter).take(room).collect();
    let plain = plain.trim_matches('-');
    let plain = if plain.is_empty() { "node" } else { plain };
    format!("fal-{plain}{suffix}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_jobs_suit_a_cluster() {
        let name = job_name("Orders_by Größe");
        assert!(name.starts_with("fal-orders-by-gr--e-"), "{name}");
        assert_ne!(name, job_name("Orders_by Größe"));
        assert!(job_name(&"x".repeat(200)).len() <= 63);
        assert!(job_name("___").starts_with("fal-node-"));
    }
}
