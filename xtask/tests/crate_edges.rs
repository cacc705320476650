//! Checks the dependencies between crates, which are the architecture, against a table.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::Path,
    process::Command,
};

use serde_json::Value;

/// The crates of this workspace that each crate may depend on, in builds. A plugin knows the
/// interface and nothing of the host, so that other teams' plugins can do the same.
const ALLOWED: &[(&str, &[&str])] = &[
    (
        "fal-cli",
        &[
            "fal-environments",
            "fal-files",
            "fal-graph",
            "fal-host",
            "fal-plugin",
            "fal-plugin-testkit",
            "fal-project",
            "fal-report",
            "fal-scaffold",
            "fal-telemetry",
        ],
    ),
    (
        "fal-command-runner",
        &["fal-files", "fal-plugin", "fal-process"],
    ),
    (
        "fal-dbt-backend",
        &["fal-environments", "fal-files", "fal-plugin", "fal-process"],
    ),
    ("fal-e2e", &[]),
    (
        "fal-environments",
        &["fal-files", "fal-plugin", "fal-process"],
    ),
    ("fal-files", &[]),
    ("fal-graph", &["fal-plugin"]),
    (
        "fal-host",
        &[
            "fal-environments",
            "fal-files",
            "fal-graph",
            "fal-loader",
            "fal-plugin",
            "fal-project",
            "fal-report",
        ],
    ),
    ("fal-loader", &["fal-plugin", "fal-process"]),
    ("fal-notebook-parser", &["fal-plugin"]),
    ("fal-plugin", &[]),
    (
        "fal-plugin-testkit",
        &["fal-loader", "fal-plugin", "fal-process"],
    ),
    ("fal-process", &[]),
    ("fal-project", &["fal-files", "fal-plugin"]),
    ("fal-python-analysis", &["fal-plugin"]),
    ("fal-python-parser", &["fal-plugin", "fal-python-analysis"]),
    (
        "fal-python-parser-ruff",
        &["fal-plugin", "fal-python-analysis"],
    ),
    ("fal-report", &["fal-files", "fal-plugin"]),
    ("fal-scaffold", &["fal-files", "fal-plugin"]),
    ("fal-stub-writer", &["fal-plugin"]),
    ("fal-telemetry", &["fal-files", "fal-plugin", "fal-report"]),
    ("xtask", &[]),
];

/// The crates that plugins may depend on.
const BELOW_PLUGINS: [&str; 5] = [
    "fal-environments",
    "fal-files",
    "fal-plugin",
    "fal-process",
    "fal-python-analysis",
];

/// Crates that do no IO, and so may not depend on crates that open files, sockets or processes.
const PURE: &[&str] = &["fal-graph", "fal-python-analysis"];
const IO: &[&str] = &[
    "cap-std",
    "fal-files",
    "ignore",
    "libc",
    "libloading",
    "rustix",
    "signal-hook",
    "tempfile",
    "tokio",
];

struct Package {
    plugin: bool,
    /// The names of its dependencies in builds.
    builds: BTreeSet<String>,
}

fn packages() -> BTreeMap<String, Package> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml");
    let mut command = Command::new(cargo);
    command
        .args([
            "metadata",
            "--format-version=1",
            "--no-deps",
            "--offline",
            "--manifest-path",
        ])
        .arg(manifest);
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(package)
        .collect()
}

fn package(package: &Value) -> (String, Package) {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let in_builds = |dependency: &&Value| dependency["kind"].as_str() != Some("dev");
    let dependencies = package["dependencies"].as_array().unwrap();
    let builds = dependencies
        .iter()
        .filter(in_builds)
        .map(|dependency| text(&dependency["name"]))
        .collect();
    let plugin = Path::new(&text(&package["manifest_path"]))
        .ancestors()
        .nth(2)
        .unwrap()
        .ends_with("plugins");
    (text(&package["name"]), Package { plugin, builds })
}

#[test]
fn crates_depend_on_what_they_may() {
    let packages = packages();
    let allowed: BTreeMap<_, _> = ALLOWED.iter().copied().collect();
    let mut wrong = Vec::new();
    for (name, package) in &packages {
        let Some(allowed) = allowed.get(name.as_str()) else {
            wrong.push(format!("{name} is not in the table"));
            continue;
        };
        let ours = package
            .builds
            .iter()
            .filter(|dependency| packages.contains_key(*dependency));
        wrong.extend(
            ours.filter(|o| !allowed.contains(&o.as_str()))
                .map(|other| format!("{name} -> {other}")),
        );
    }
    assert!(
        wrong.is_empty(),
        "edges that must not be:\n{}",
        wrong.join("\n")
    );
    let gone: Vec<_> = allowed
        .keys()
        .filter(|name| !packages.contains_key(**name))
        .collect();
    assert!(
        gone.is_empty(),
        "the table names crates that are gone: {gone:?}"
    );
}

/// The table itself must follow the design's rules.
#[test]
fn the_table_keeps_the_rules() {
    let packages = packages();
    let plugins: Vec<_> = packages
        .iter()
        .filter(|(_, package)| package.plugin)
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(plugins.len(), 6, "{plugins:?}");
    for (name, allowed) in ALLOWED {
        assert!(
            !allowed.iter().any(|other| plugins.contains(other)),
            "{name} may not build on a plugin"
        );
        if plugins.contains(name) {
            assert!(
                allowed.iter().all(|other| BELOW_PLUGINS.contains(other)),
                "{name}"
            );
        }
    }
}

/// Files are read and written through `fal-files`, and Clippy refuses the standard library's
/// functions where the crate's root says so. The test kit writes scripts into folders that it makes
/// itself.
#[test]
fn product_crates_refuse_the_standard_librarys_files() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let refusal = "#![cfg_attr(not(test), warn(clippy::disallowed_methods))]";
    let mut checked = 0;
    for folder in ["crates", "plugins"] {
        for krate in fs::read_dir(root.join(folder))
            .unwrap()
            .map(|entry| entry.unwrap().path())
        {
            let source = ["src/lib.rs", "src/main.rs"]
                .map(|file| krate.join(file))
                .into_iter()
                .find(|file| file.exists());
            let Some(source) = source.filter(|_| !krate.ends_with("fal-plugin-testkit")) else {
                continue;
            };
            let text = fs::read_to_string(&source).unwrap();
            assert!(
                text.lines().any(|line| line == refusal),
                "{} lacks {refusal}",
                source.display()
            );
            checked += 1;
        }
    }
    assert!(checked > 15, "{checked}");
}

#[test]
fn pure_crates_bring_no_io() {
    let packages = packages();
    for name in PURE {
        let found: Vec<_> = packages[*name]
            .builds
            .iter()
            .filter(|other| IO.contains(&other.as_str()))
            .collect();
        assert!(
            found.is_empty(),
            "{name} does no IO, but depends on {found:?}"
        );
    }
}
