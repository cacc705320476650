//! The environment of a command: a few variables of fal-host's environment and those that the
//! configuration names. The token is never among them.

use std::{env, ffi::OsString};

use crate::config::Config;

/// Variables that every command inherits, because programs need them to find files and each other.
const INHERITED: [&str; 12] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LANGUAGE",
    "LC_*",
    "TZ",
    "TMPDIR",
    "TERM",
    "XDG_RUNTIME_DIR",
];

/// Returns the variables of this process that the command inherits.
pub(crate) fn inherited(config: &Config) -> Vec<(OsString, OsString)> {
    chosen(config, env::vars_os())
}

fn chosen(
    config: &Config,
    all: impl Iterator<Item = (OsString, OsString)>,
) -> Vec<(OsString, OsString)> {
    let wanted = |name: &str| {
        let named = config.pass_env.iter().map(String::as_str);
        INHERITED
            .into_iter()
            .chain(named)
            .any(|pattern| matches(pattern, name))
    };
    all.filter(|(name, _)| name.to_str().is_some_and(wanted))
        .collect()
}

fn matches(pattern: &str, name: &str) -> bool {
    pattern
        .strip_suffix('*')
        .map_or(pattern == name, |start| name.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_named_is_passed_on() {
        let config = Config {
            pass_env: vec!["KUBECONFIG".into(), "AWS_*".into()],
            ..Config::default()
        };
        let all = [
            "PATH",
            "LC_ALL",
            "KUBECONFIG",
            "KUBECONFIG_2",
            "AWS_PROFILE",
            "DBT_PASSWORD",
            "PGPASSWORD",
        ];
        let found = chosen(&config, all.iter().map(|name| ((*name).into(), "x".into())));
        let names: Vec<_> = found
            .iter()
            .map(|(name, _)| name.to_str().unwrap())
            .collect();
        assert_eq!(names, ["PATH", "LC_ALL", "KUBECONFIG", "AWS_PROFILE"]);
    }
}
