//! `runners` of fal_project.yml: each names a plugin and a configuration, so that one plugin can be
//! several runners.

use std::path::Path;

use serde_json::{Map, Value};

use super::{
    fal_project::required,
    keys::{self, names},
    routes::error_at,
    source::Source,
    yaml::{Kind, Node},
};
use crate::{
    diagnostics::FileDiagnostic,
    error::ProjectError,
    scripts::{LOCAL, wrong_runner_name},
};

/// A runner that the project names.
#[derive(Clone, Debug, PartialEq)]
pub struct RunnerSpec {
    /// The name that `--runner`, `meta` and routes use.
    pub name: String,
    /// The plugin's name or path, as written.
    pub plugin: String,
    /// The plugin's options, instead of those under `plugins: config:`.
    pub config: Option<Map<String, Value>>,
    /// Its line in the file.
    pub line: usize,
}

impl RunnerSpec {
    /// Makes an error at the runner.
    pub fn error(
        &self,
        root: &Path,
        code: &str,
        message: String,
        help: Option<String>,
    ) -> FileDiagnostic {
        FileDiagnostic {
            help,
            ..error_at(root, self.line, code, message)
        }
    }
}

pub(super) fn runner(source: &Source<'_>, node: &Node) -> Result<RunnerSpec, ProjectError> {
    source.only("a runner", node, &names(keys::RUNNER, None))?;
    let name = required(source, node, "a runner", "name")?;
    if name == LOCAL {
        let message = format!("`{LOCAL}` means where dbt runs, so a runner cannot have this name");
        return Err(source.complain(node.line, message, Some("give it another name".to_owned())));
    }
    if wrong_runner_name(&name) {
        let help = "a name has letters, digits, `-`, `_` and `.`; the path goes under `plugin`";
        return Err(source.complain(
            node.line,
            format!("`{name}` is not a valid name for a runner"),
            Some(help.to_owned()),
        ));
    }
    let plugin = required(source, node, "a runner", "plugin")?;
    let config = match node.get("config") {
        None => None,
        Some(Node {
            kind: Kind::Null, ..
        }) => Some(Map::new()),
        Some(value) => match source.json(value)? {
            Value::Object(config) => Some(config),
            _ => return Err(source.wrong("`config`", value, "a mapping")),
        },
    };
    Ok(RunnerSpec {
        name,
        plugin,
        config,
        line: node.line,
    })
}

/// Refuses two runners of one name.
pub(super) fn unique(
    source: &Source<'_>,
    runners: Vec<RunnerSpec>,
) -> Result<Vec<RunnerSpec>, ProjectError> {
    for (index, runner) in runners.iter().enumerate() {
        if runners[..index]
            .iter()
            .any(|earlier| earlier.name == runner.name)
        {
            let message = format!("there are two runners called `{}`", runner.name);
            return Err(source.complain(
                runner.line,
                message,
                Some("give one of them another name".to_owned()),
            ));
        }
    }
    Ok(runners)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::FalProject;

    fn read(runners: &str) -> Result<Vec<RunnerSpec>, ProjectError> {
        let text = format!("runners:\n{runners}");
        let folder = crate::testing::folder(&[("fal_project.yml", &text)]);
        Ok(FalProject::read(folder.path())?.runners)
    }

    #[test]
    fn one_plugin_may_be_several_runners() {
        let text = "- {name: slurm, plugin: fal-command-runner, config: {command: [sbatch]}}\n- name: own\n  plugin: ./x\n- {name: bare, plugin: y, config: }\n";
        let runners = read(text).unwrap();
        assert_eq!(
            (
                runners[0].name.as_str(),
                runners[0].plugin.as_str(),
                runners[0].line
            ),
            ("slurm", "fal-command-runner", 2)
        );
        assert_eq!(
            runners[0].config.clone().map(Value::Object),
            Some(json!({"command": ["sbatch"]}))
        );
        assert_eq!(
            (runners[1].plugin.as_str(), &runners[1].config),
            ("./x", &None)
        );
        assert_eq!(runners[2].config, Some(Map::new()));
    }

    #[test]
    fn what_is_wrong_has_its_line() {
        let complaint = |text: &str| {
            let error = read(text).unwrap_err();
            format!(
                "{} ({})",
                error.to_string().split("yml: ").last().unwrap(),
                error.help().unwrap_or_default()
            )
        };
        insta::assert_snapshot!(complaint("- {name: local, plugin: x}\n"), @"`local` means where dbt runs, so a runner cannot have this name (give it another name)");
        insta::assert_snapshot!(complaint("- {name: a/b, plugin: x}\n"), @"`a/b` is not a valid name for a runner (a name has letters, digits, `-`, `_` and `.`; the path goes under `plugin`)");
        insta::assert_snapshot!(complaint("- {name: a}\n"), @"a runner has no `plugin` (add `plugin: ...`)");
        insta::assert_snapshot!(complaint("- {name: a, plugin: x, config: 3}\n"), @"`config` must be a mapping, not a number ()");
        insta::assert_snapshot!(complaint("- {name: a, plugin: x}\n- {name: a, plugin: y}\n"), @"there are two runners called `a` (give one of them another name)");
    }
}
