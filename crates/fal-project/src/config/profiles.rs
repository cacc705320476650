//! `profiles.yml`: only the adapter and target that a project uses. For a run dbt reads the file
//! itself.

use std::{
    env,
    path::{Path, PathBuf},
};

use super::source::Source;
use crate::{config::DbtProject, error::ProjectError};

/// The project's profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Its name.
    pub name: String,
    /// Folder of `profiles.yml`.
    pub dir: PathBuf,
    /// The target that will be used.
    pub target: String,
    /// `type` of the target: `duckdb`, `postgres`, ...
    pub adapter: Option<String>,
}

impl Profile {
    /// Returns the folders in dbt's order: `--profiles-dir`, `DBT_PROFILES_DIR`, the current
    /// folder, `~/.dbt`. The project's folder comes last; dbt does not look there.
    pub fn search_path(profiles_dir: Option<&Path>, project: &Path) -> Vec<PathBuf> {
        if let Some(named) = profiles_dir
            .map(Path::to_path_buf)
            .or_else(|| env::var_os("DBT_PROFILES_DIR").map(Into::into))
        {
            return vec![named];
        }
        let home = env::home_dir().map(|home| home.join(".dbt"));
        [env::current_dir().ok(), home, Some(project.to_path_buf())]
            .into_iter()
            .flatten()
            .collect()
    }

    /// Reads the project's profile from the first folder that has a `profiles.yml`; `None` if no
    /// folder has, or if the project names no profile.
    ///
    /// # Errors
    /// If the file is invalid, or lacks the profile or the target.
    pub fn find(
        project: &DbtProject,
        profiles_dir: Option<&Path>,
        profile: Option<&str>,
        target: Option<&str>,
    ) -> Result<Option<Self>, ProjectError> {
        let lookup = |name: &str| env::var(name).ok();
        let Some(name) = profile.or(project.profile.as_deref()) else {
            return Ok(None);
        };
        for dir in Self::search_path(profiles_dir, &project.root) {
            let path = dir.join("profiles.yml");
            if let Some(source) = Source::read(&path, &path.display().to_string(), &lookup)? {
                return read(&source, dir, name, target).map(Some);
            }
        }
        Ok(None)
    }
}

fn read(
    source: &Source<'_>,
    dir: PathBuf,
    name: &str,
    target: Option<&str>,
) -> Result<Profile, ProjectError> {
    let tree = source.tree()?;
    let Some(profile) = tree.get(name) else {
        let known: Vec<&str> = tree
            .entries()
            .iter()
            .map(|(key, ..)| key.as_str())
            .filter(|key| *key != "config")
            .collect();
        let help = format!("profiles in this file: {}", known.join(", "));
        return Err(source.complain(1, format!("there is no profile `{name}`"), Some(help)));
    };
    let target = match target {
        Some(target) => target.to_owned(),
        None => source
            .optional_string(profile, "target")?
            .unwrap_or_else(|| "default".to_owned()),
    };
    let Some(outputs) = profile.get("outputs") else {
        return Err(source.complain(
            profile.line,
            format!("the profile `{name}` has no `outputs`"),
            None,
        ));
    };
    let Some(output) = outputs.get(&target) else {
        let known: Vec<&str> = outputs
            .entries()
            .iter()
            .map(|(key, ..)| key.as_str())
            .collect();
        let help = format!("targets of this profile: {}", known.join(", "));
        return Err(source.complain(
            outputs.line,
            format!("the profile `{name}` has no target `{target}`"),
            Some(help),
        ));
    };
    let adapter = source.optional_string(output, "type")?;
    Ok(Profile {
        name: name.to_owned(),
        dir,
        target,
        adapter,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "shop:\n  target: dev\n  outputs:\n    dev: {type: duckdb, path: x.db, password: \"{{ env_var('SECRET') }}\"}\n    prod:\n      type: postgres\n";

    fn profile(name: &str, target: Option<&str>) -> Result<Profile, ProjectError> {
        read(
            &Source::new(TEXT, &|_| None),
            PathBuf::from("/p"),
            name,
            target,
        )
    }

    #[test]
    fn adapter_and_target_are_found_without_the_secrets() {
        let found = profile("shop", None).unwrap();
        assert_eq!(
            (found.target.as_str(), found.adapter.as_deref()),
            ("dev", Some("duckdb"))
        );
        assert_eq!(
            profile("shop", Some("prod")).unwrap().adapter.as_deref(),
            Some("postgres")
        );
    }

    #[test]
    fn what_is_missing_is_named_with_what_is_there() {
        let error = profile("shop", Some("tset")).unwrap_err();
        insta::assert_snapshot!(error, @"test.yml: the profile `shop` has no target `tset`");
        insta::assert_snapshot!(error.help().unwrap(), @"targets of this profile: dev, prod");
        insta::assert_snapshot!(profile("x", None).unwrap_err().help().unwrap(), @"profiles in this file: shop");
    }
}
