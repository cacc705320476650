//! The plugin's configuration in `fal_project.yml`.

use std::{borrow::Cow, collections::BTreeMap, time::Duration};

use fal_plugin::PluginError;
use schemars::{json_schema, JsonSchema, Schema, SchemaGenerator};
use serde::{de::Error, Deserialize, Deserializer};
use serde_json::Value;

use crate::{
    error,
    span::Span,
    words::{Scalar, Words},
};

/// The configuration below `plugins.config.fal-command-runner`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The command to start for each model, word by word, with placeholders.
    /// Default: `["{python}", "-"]`, a Python on this machine.
    #[schemars(with = "Words")]
    pub command: Option<Words>,
    /// How the script reaches the command.
    pub bundle: Bundle,
    /// With `bundle: file`: the folder in which each model gets its own folder. Other machines may
    /// need access to it.
    /// Default: the system's folder for temporary files.
    #[schemars(with = "String")]
    pub folder: Option<String>,
    /// Whether a shell (`/bin/sh`) reads the command. Placeholder values are quoted for the shell.
    pub shell: bool,
    /// The value of `{python}`. Default: the Python that was chosen for fal-host, else `python3`.
    #[schemars(with = "String")]
    pub python: Option<String>,
    /// Environment variables of the command; placeholders are allowed.
    pub env: BTreeMap<String, Scalar>,
    /// Names of variables that the command inherits from fal-host's environment; a trailing `*`
    /// matches any suffix.
    pub pass_env: Vec<String>,
    /// A command to start after a model was cancelled, exceeded its time limit or lost its command,
    /// to end work that continues elsewhere.
    #[schemars(with = "Words")]
    pub cleanup: Option<Words>,
    /// Retries after infrastructure failures. A model that fails is never retried.
    pub retries: Retries,
    /// The longest time that one attempt may take. Default: no limit.
    #[schemars(with = "Span")]
    pub timeout: Option<Span>,
    /// For models that set `timeout`: the extra time that their command may spend waiting for a
    /// machine. Default: 10 minutes.
    #[schemars(with = "Span")]
    pub queue_timeout: Option<Span>,
    /// How many models run at once, in addition to those that `--threads` allows. Default: they
    /// count as threads.
    #[schemars(with = "u32", range(min = 1))]
    pub concurrency: Option<u32>,
    /// The environments of models on the machines of this runner.
    pub environments: BTreeMap<String, Environment>,
}

/// How the script reaches the command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Bundle {
    /// On its standard input.
    #[default]
    Stdin,
    /// As `script.py` in a separate folder, with `node.json`.
    File,
}

impl JsonSchema for Bundle {
    fn schema_name() -> Cow<'static, str> {
        "Bundle".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"description": "How the script reaches the command", "enum": ["stdin", "file"]})
    }
}

/// A model environment on the machines of this runner.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Environment {
    /// The value of `{python}`.
    #[schemars(with = "String")]
    pub python: Option<String>,
    /// The command to use in place of the general one.
    #[schemars(with = "Words")]
    pub command: Option<Words>,
}

/// When and how often a model is retried.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Retries {
    /// The total number of attempts at a model. Default: 1.
    #[schemars(range(min = 1))]
    pub attempts: u32,
    /// The wait before the second attempt. It doubles each time and is shortened at random by up to
    /// a half. Default: 2 s.
    pub backoff: Span,
    /// The longest wait between attempts. Default: 1 minute.
    pub longest: Span,
    /// The ends to retry: exit codes, `exit` (any but 0, 1, 126 and 127), `signal`, `timeout`.
    /// Default: `[exit, signal]`.
    pub on: Vec<Cause>,
}

impl Default for Retries {
    fn default() -> Self {
        Self {
            attempts: 1,
            backoff: Span(Duration::from_secs(2)),
            longest: Span(Duration::from_secs(60)),
            on: vec![Cause::Exit, Cause::Signal],
        }
    }
}

/// A kind of end that may be retried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// This exit code.
    Code(u8),
    /// Any exit code that means an infrastructure failure.
    Exit,
    /// A signal ended the command.
    Signal,
    /// The command exceeded its time limit.
    Timeout,
}

impl<'de> Deserialize<'de> for Cause {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let code = value.as_u64().and_then(|code| u8::try_from(code).ok());
        match (value.as_str(), code) {
            (Some("exit"), _) => Ok(Self::Exit),
            (Some("signal"), _) => Ok(Self::Signal),
            (Some("timeout"), _) => Ok(Self::Timeout),
            (_, Some(code)) if code > 0 => Ok(Self::Code(code)),
            _ => Err(D::Error::custom(format!(
                "{value} is no exit code, `exit`, `signal` or `timeout`"
            ))),
        }
    }
}

impl JsonSchema for Cause {
    fn schema_name() -> Cow<'static, str> {
        "Cause".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "An exit code, `exit`, `signal` or `timeout`",
            "type": ["integer", "string"],
            "minimum": 1,
            "maximum": 255,
            "pattern": "^(exit|signal|timeout)$",
        })
    }
}

impl Config {
    /// Reads the configuration; `null` means all defaults.
    pub(crate) fn read(value: &Value) -> Result<Self, PluginError> {
        if value.is_null() {
            return Ok(Self::default());
        }
        Self::deserialize(value).map_err(|cause| {
            PluginError::new(error::CONFIG, format!("wrong configuration: {cause}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn problems(config: &Value) -> String {
        let schema = schemars::schema_for!(Config).to_value();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let problems = validator
            .iter_errors(config)
            .map(|problem| format!("{}: {problem}", problem.instance_path()));
        problems.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn nothing_means_defaults() {
        assert_eq!(Config::read(&Value::Null).unwrap(), Config::default());
        assert_eq!(Config::read(&json!({})).unwrap(), Config::default());
        assert_eq!(Config::default().retries.attempts, 1);
    }

    #[test]
    fn a_whole_configuration_is_read() {
        let config = json!({
            "command": ["docker", "run", ["--cpus", "{cpus}"], 8], "bundle": "file", "folder": "/shared", "shell": false,
            "env": {"A": 1, "B": true, "C": "c"}, "pass_env": ["AWS_*"], "cleanup": ["docker", "rm", "{job}"],
            "retries": {"attempts": 3, "backoff": "500ms", "on": [255, "signal", "timeout", "exit"]},
            "timeout": "2h", "queue_timeout": 60, "concurrency": 4,
            "environments": {"ml": {"python": "/opt/ml/bin/python"}, "gpu": {"command": ["sbatch"]}},
        });
        assert_eq!(problems(&config), "");
        let read = Config::read(&config).unwrap();
        assert_eq!(
            read.retries.on,
            [Cause::Code(255), Cause::Signal, Cause::Timeout, Cause::Exit]
        );
        assert_eq!(read.timeout.unwrap().0.as_secs(), 7200);
        assert_eq!(read.env["A"].text(), "1");
    }

    #[test]
    fn mistakes_are_named_with_their_place() {
        let mistakes = [
            json!({"comand": ["ssh"]}),
            json!({"command": []}),
            json!({"command": ["ssh", {"host": "a"}]}),
            json!({"command": ["ssh", ["a", ["b"]]]}),
            json!({"bundle": "pigeon"}),
            json!({"timeout": "soon"}),
            json!({"retries": {"attempts": 0}}),
            json!({"retries": {"on": ["sometimes"]}}),
            json!({"retries": {"on": [0]}}),
            json!({"concurrency": 0}),
            json!({"environments": {"ml": {"pyhton": "p"}}}),
            json!({"env": {"A": ["b"]}}),
        ];
        let found: Vec<_> = mistakes
            .iter()
            .map(|mistake| {
                let found = problems(mistake);
                assert!(!found.is_empty(), "{mistake} is taken");
                found
            })
            .collect();
        insta::assert_snapshot!(found.join("\n"), @r#"
        : Additional properties are not allowed ('comand' was unexpected)
        /command: [] has less than 1 item
        /command/1: {"host":"a"} is not of types "boolean", "number", "string", "array"
        /command/1/1: ["b"] is not of types "boolean", "number", "string"
        /bundle: "pigeon" is not one of "stdin" or "file"
        /timeout: "soon" does not match "^ *[0-9]+(\.[0-9]+)? *(ms|s|m|h|d)? *$"
        /retries/attempts: 0 is less than the minimum of 1
        /retries/on/0: "sometimes" does not match "^(exit|signal|timeout)$"
        /retries/on/0: 0 is less than the minimum of 1
        /concurrency: 0 is less than the minimum of 1
        /environments/ml: Additional properties are not allowed ('pyhton' was unexpected)
        /env/A: ["b"] is not of types "boolean", "number", "string"
        "#);
    }

    #[test]
    fn what_has_no_schema_is_refused_too() {
        for wrong in [
            json!({"comand": []}),
            json!({"retries": {"on": [0]}}),
            json!({"timeout": "soon"}),
        ] {
            assert_eq!(
                Config::read(&wrong).unwrap_err().code,
                "command::config",
                "{wrong}"
            );
        }
    }
}
