//! Checks that the repository names no hosts of package registries and no paths of one machine.

use std::{fs, path::Path, process::Command};

/// Hosts in two parts, so that this file does not name them.
const HOSTS: &[(&str, &str)] = &[
    ("crates", ".io"),
    ("pypi", ".org"),
    ("pythonhosted", ".org"),
    ("npmjs", ".org"),
    ("npmjs", ".com"),
    ("debian", ".org"),
    ("proxy.golang", ".org"),
];
/// Folders that exist only on one machine.
const FOLDERS: &[(&str, &str)] = &[
    ("/work", "/main"),
    ("/work", "/shared"),
    ("/opt", "/fal/"),
    ("/root", "/."),
    ("../sha", "red/"),
];
/// Written by cargo, which names its registry there.
const EXEMPT: &[&str] = &["Cargo.lock"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Returns the files that are tracked or not ignored; `None` outside of a checkout.
fn tracked() -> Option<Vec<String>> {
    let listed = [
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ];
    let output = Command::new("git")
        .args(listed)
        .current_dir(root())
        .output()
        .ok()?;
    let names = String::from_utf8(output.stdout).ok()?;
    output
        .status
        .success()
        .then(|| names.split_terminator('\0').map(str::to_owned).collect())
}

#[test]
fn no_file_names_a_registry_or_a_machine() {
    let Some(files) = tracked() else {
        assert!(
            !root().join(".git").exists(),
            "git does not list the files of this checkout"
        );
        return;
    };
    assert!(files.len() > 100, "only {} files", files.len());
    let words: Vec<String> = HOSTS
        .iter()
        .chain(FOLDERS)
        .map(|(start, end)| format!("{start}{end}"))
        .collect();
    let found: Vec<_> = files
        .iter()
        .filter(|file| !exempt(file))
        .flat_map(|file| hits(file, &words))
        .collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

fn exempt(file: &str) -> bool {
    Path::new(file)
        .file_name()
        .is_some_and(|name| EXEMPT.iter().any(|exempt| name == *exempt))
}

/// Returns the lines that contain one of the words; none for files that are gone or not text.
fn hits(file: &str, words: &[String]) -> Vec<String> {
    let text = fs::read_to_string(root().join(file)).unwrap_or_default();
    let named = |line: &str| {
        words
            .iter()
            .find(|word| line.contains(word.as_str()))
            .cloned()
    };
    let lines = text.lines().enumerate();
    lines
        .filter_map(|(at, line)| Some(format!("{file}:{}: {}", at + 1, named(line)?)))
        .collect()
}
