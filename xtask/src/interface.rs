//! The sources of the plugin interface in an installation, on which `fal-host plugin new` builds
//! plugins.

use std::{fs, path::Path};

use crate::{
    error::{At, Result},
    layout,
};

/// The crates that other plugins may depend on, and their dependencies.
const CRATES: [&str; 6] = [
    "crates/fal-loader",
    "crates/fal-plugin",
    "crates/fal-plugin-testkit",
    "crates/fal-process",
    "crates/fal-python-analysis",
    "plugins/fal-python-parser-ruff",
];

/// The parts of a crate that are copied: all but its tests.
const PARTS: [&str; 3] = ["src", "python", "vectors"];

/// Sections of a manifest that are useless without tests.
const OF_TESTS: [&str; 4] = ["[dev-dependencies]", "[[bench]]", "[[example]]", "[[test]]"];

/// Copies the crates side by side, with a manifest for what they take from the workspace.
pub(crate) fn lay_out(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).at(folder)?;
    }
    for name in CRATES {
        let from = layout::root().join(name);
        let to = folder.join(from.file_name().unwrap_or_default());
        for part in PARTS.iter().filter(|part| from.join(part).exists()) {
            copy(&from.join(part), &to.join(part))?;
        }
        put(
            &from.join("Cargo.toml"),
            &to.join("Cargo.toml"),
            without_tests,
        )?;
    }
    put(
        &layout::root().join("Cargo.toml"),
        &folder.join("Cargo.toml"),
        beside_each_other,
    )
}

fn put(from: &Path, to: &Path, change: fn(&str) -> String) -> Result<()> {
    let text = fs::read_to_string(from).at(from)?;
    fs::write(to, change(&text)).at(to)
}

/// Returns the manifest of a crate without its tests.
fn without_tests(manifest: &str) -> String {
    let mut kept = true;
    let keep = |line: &&str| {
        if line.starts_with('[') {
            kept = !OF_TESTS.contains(line);
        }
        kept
    };
    manifest
        .lines()
        .filter(keep)
        .map(|line| format!("{line}\n"))
        .collect()
}

/// Returns the manifest of the workspace for these crates alone.
fn beside_each_other(manifest: &str) -> String {
    let end = manifest.find("[profile.").unwrap_or(manifest.len());
    let line = |line: &str| match line.split_once(" = ") {
        Some(("members", _)) => Some("members = [\"fal-*\"]\n".to_owned()),
        Some(("exclude" | "default-members", _)) => None,
        Some((_, value)) if value.contains("path = ") => {
            let ours = CRATES
                .iter()
                .any(|name| value.contains(&format!("\"{name}\"")));
            ours.then(|| {
                format!(
                    "{}\n",
                    line.replace("\"crates/", "\"").replace("\"plugins/", "\"")
                )
            })
        }
        _ => Some(format!("{line}\n")),
    };
    manifest[..end].lines().filter_map(line).collect()
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    if !from.is_dir() {
        let folder = to.parent().unwrap_or(to);
        fs::create_dir_all(folder).at(folder)?;
        return fs::copy(from, to).at(from).map(drop);
    }
    for entry in fs::read_dir(from).at(from)? {
        let name = entry.at(from)?.file_name();
        if name != "__pycache__" {
            copy(&from.join(&name), &to.join(&name))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program;

    #[test]
    fn what_is_laid_out_is_a_workspace_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let interface = folder.path().join("interface");
        lay_out(&interface).unwrap();
        let mut command = program::cargo("metadata --format-version=1 --no-deps --offline");
        let metadata = program::output(command.current_dir(&interface)).unwrap();
        let metadata: serde_json::Value = serde_json::from_str(&metadata).unwrap();
        let mut names: Vec<_> = metadata["packages"]
            .as_array()
            .unwrap()
            .iter()
            .map(|package| package["name"].as_str().unwrap())
            .collect();
        names.sort_unstable();
        let wanted = [
            "fal-loader",
            "fal-plugin",
            "fal-plugin-testkit",
            "fal-process",
            "fal-python-analysis",
            "fal-python-parser-ruff",
        ];
        assert_eq!(names, wanted);
    }
}
