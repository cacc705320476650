//! Which engine runs dbt, and where the `dbt` program is.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use fal_environments::{all_on_path, is_program};
use fal_plugin::PluginError;

use crate::config::{Config, Engine};

/// Names the engine; wins over the configuration.
const ENGINE: &str = "FAL_HOST_DBT_ENGINE";
/// Names the program; wins over the configuration.
const PROGRAM: &str = "FAL_HOST_DBT";

/// Set for every dbt that fal-host starts: a fal-host that is linked as `dbt` then knows that it was
/// started in dbt's place.
pub(crate) const IN_DBT: &str = "FAL_HOST_IN_DBT";

/// The engine of a run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    /// From the inside, or not at all.
    Inside,
    /// From the inside, unless the dbt there is none or an unknown one.
    InsideIfPossible,
    /// By its commands, and why.
    Commands { program: PathBuf, reason: String },
}

/// Chooses by what the user names, else by the dbt that is installed for `python`: dbt-core 1.x is
/// driven from the inside, also where dbt 2 is there as well.
///
/// # Errors
/// `dbt::engine` or `dbt::missing`, if the named engine or its program is not there.
pub(crate) fn choose(config: &Config, python: &Path) -> Result<Choice, PluginError> {
    let named = env::var(ENGINE).ok().filter(|name| !name.is_empty());
    let engine = match named.as_deref() {
        None => config.engine,
        Some("auto") => Engine::Auto,
        Some("session") => Engine::Session,
        Some("commands") => Engine::Commands,
        Some(other) => {
            let message = format!("{ENGINE} is one of auto, session, commands, not {other}");
            return Err(PluginError::new("dbt::engine", message));
        }
    };
    match engine {
        Engine::Session => Ok(Choice::Inside),
        Engine::Commands => match find_program(config, python)? {
            Some(program) => Ok(Choice::Commands {
                program,
                reason: "asked for".to_owned(),
            }),
            None => Err(missing(python)),
        },
        // A path of Python's may lead to a dbt anywhere: the interpreter itself must look.
        Engine::Auto if env::var_os("PYTHONPATH").is_some_and(|path| !path.is_empty()) => {
            Ok(Choice::InsideIfPossible)
        }
        Engine::Auto => {
            let installed = Installed::of(python);
            match (installed, find_program(config, python)) {
                (Installed::Dbt2(version), Ok(Some(program))) => Ok(Choice::Commands {
                    program,
                    reason: format!("dbt {version} is installed for {}", python.display()),
                }),
                _ => Ok(Choice::InsideIfPossible),
            }
        }
    }
}

/// Returns whether an error of the session means that another engine may run this dbt.
pub(crate) fn asks_for_commands(error: &PluginError) -> bool {
    matches!(&*error.code, "dbt::missing" | "dbt::unsupported")
}

/// Finds the `dbt` program: the named one, else that of this Python, else that of the search path.
///
/// # Errors
/// `dbt::missing`, if the named one is no program.
pub(crate) fn find_program(config: &Config, python: &Path) -> Result<Option<PathBuf>, PluginError> {
    let of_environment = env::var(PROGRAM).ok().filter(|name| !name.is_empty());
    if let Some(named) = of_environment.or_else(|| config.dbt.clone()) {
        let path = super::settings::expanded(&named);
        let found = if path.components().count() > 1 {
            is_program(&path).then_some(path)
        } else {
            on_search_path(&named)
        };
        return found.map(Some).ok_or_else(|| {
            let message = format!("{PROGRAM} names {named}, which is no program");
            PluginError::new("dbt::missing", message)
                .with_help("Name the `dbt` program, or remove the variable.")
        });
    }
    let beside = python.with_file_name("dbt");
    let own = env::current_exe().and_then(fs::canonicalize).ok();
    let found = std::iter::once(beside)
        .filter(|program| is_program(program))
        .chain(all_on_path("dbt"));
    Ok(found
        .into_iter()
        .find(|program| is_dbt(program, own.as_deref())))
}

/// Whether a program named `dbt` is another one than fal-host, which may be linked by that name.
fn is_dbt(program: &Path, own: Option<&Path>) -> bool {
    fs::canonicalize(program).map_or(true, |program| Some(program.as_path()) != own)
}

fn missing(python: &Path) -> PluginError {
    let message = format!(
        "there is no `dbt` program beside {} and none on the search path",
        python.display()
    );
    PluginError::new("dbt::missing", message)
        .with_help(format!("Install dbt, or name its program in {PROGRAM}."))
}

fn on_search_path(name: &str) -> Option<PathBuf> {
    all_on_path(name).into_iter().next()
}

/// Returns the names of what is in the `site-packages` of an interpreter.
fn packages(python: &Path) -> Vec<String> {
    let prefix = python.parent().and_then(Path::parent);
    let libraries = prefix.map(|prefix| prefix.join("lib"));
    let entries = |folder: PathBuf| fs::read_dir(folder).into_iter().flatten().flatten();
    let packages = libraries
        .into_iter()
        .flat_map(entries)
        .flat_map(|library| entries(library.path().join("site-packages")));
    packages
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect()
}

/// Returns the version of a package that is installed for an interpreter.
pub(super) fn installed(python: &Path, package: &str) -> Option<String> {
    packages(python).iter().find_map(|name| {
        let (name, version) = name.strip_suffix(".dist-info")?.split_once('-')?;
        (name == package).then(|| version.to_owned())
    })
}

/// The dbt in the packages of an interpreter.
#[derive(Debug, PartialEq, Eq)]
enum Installed {
    /// dbt-core 1.x, or none that can be seen.
    Unknown,
    /// Only a dbt 2, of this version.
    Dbt2(String),
}

impl Installed {
    fn of(python: &Path) -> Self {
        Self::among(packages(python).iter().map(String::as_str))
    }

    fn among<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        let mut found = Self::Unknown;
        for name in names {
            let version = name.strip_suffix(".dist-info").and_then(|name| {
                name.strip_prefix("dbt_core-")
                    .or_else(|| name.strip_prefix("dbt-"))
            });
            match version {
                Some(version) if super::project::is_dbt_2(version) => {
                    found = Self::Dbt2(version.to_owned());
                }
                Some(_) => return Self::Unknown,
                None => {}
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn dbt_core_1_wins_over_dbt_2() {
        let among = |names: &[&str]| Installed::among(names.iter().copied());
        let two = Installed::Dbt2("2.0.0a4".to_owned());
        assert_eq!(
            among(&["dbt_core-2.0.0a4.dist-info", "duckdb-1.5.4.dist-info"]),
            two
        );
        assert_eq!(among(&["dbt-2.0.0a4.dist-info"]), two);
        let both = ["dbt-2.0.0a4.dist-info", "dbt_core-1.11.0.dist-info"];
        assert_eq!(among(&both), Installed::Unknown);
        assert_eq!(
            among(&["dbt_duckdb-2.0.dist-info", "dbt_core"]),
            Installed::Unknown
        );
    }

    #[test]
    fn a_program_is_found_beside_python() {
        let folder = tempfile::tempdir().unwrap();
        let (python, program) = (folder.path().join("python"), folder.path().join("dbt"));
        fs::write(&program, "").unwrap();
        assert!(!is_program(&program));
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(is_program(&program));
        if env::var_os(PROGRAM).is_none() {
            assert_eq!(
                find_program(&Config::default(), &python).unwrap(),
                Some(program)
            );
        }
    }

    #[test]
    fn fal_host_under_the_name_of_dbt_is_not_dbt() {
        let folder = tempfile::tempdir().unwrap();
        let [own, link, dbt] = ["fal-host", "dbt", "other"].map(|name| folder.path().join(name));
        fs::write(&own, "").unwrap();
        fs::write(&dbt, "").unwrap();
        std::os::unix::fs::symlink(&own, &link).unwrap();
        let own = fs::canonicalize(own).unwrap();
        assert!(!is_dbt(&link, Some(&own)));
        assert!(is_dbt(&dbt, Some(&own)));
    }

    #[test]
    fn a_named_program_must_be_there() {
        let config = Config {
            dbt: Some("/nowhere/dbt".to_owned()),
            ..Config::default()
        };
        if env::var_os(PROGRAM).is_none() {
            let error = find_program(&config, Path::new("python")).unwrap_err();
            assert_eq!(error.code, "dbt::missing");
            assert!(error.message.contains("/nowhere/dbt"), "{error}");
        }
    }
}
