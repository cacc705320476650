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

/// What `plugins.config.fal-command-runner` may hold.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// What is started for each model, word by word, with placeholders. Default: `["{python}", "-"]`, a Python on this machine.
    #[schemars(with = "Words")]
    pub command: Option<Words>,
    /// How the script reaches the command.
    pub bundle: Bundle,
    /// For `bundle: file`: the folder below which each model gets a folder of its own; other machines may have to see it.
    /// Default: the system's folder for temporary files.
    #[schemars(with = "String")]
    pub folder: Option<String>,
    /// Whether a shell (`/bin/sh`) reads the command. Values of placeholders are quoted for it.
    pub shell: bool,
    /// What `{python}` stands for. Default: the Python that was chosen for fal-host, else `python3`.
    #[schemars(with = "String")]
    pub python: Option<String>,
    /// Environment variables of the command; placeholders are allowed.
    pub env: BTreeMap<String, Scalar>,
    /// Names of variables that the command gets from fal-host's own environment; a `*` at the end stands for any rest.
    pub pass_env: Vec<String>,
    /// What is started once more when a model was cancelled, took too long, or its command died: to end what goes on elsewhere.
    #[schemars(with = "Words")]
    pub cleanup: Option<Words>,
    /// Trying again when the infrastructure failed; never when the model did.
    pub retries: Retries,
    /// The longest time that one attempt may take in all. Default: no limit.
    #[schemars(with = "Span")]
    pub timeout: Option<Span>,
    /// For models with a `timeout` of their own: how much longer their command may take, for the wait for a machine. Default: 10 minutes.
    #[schemars(with = "Span")]
    pub queue_timeout: Option<Span>,
    /// How many models run at once, beside those that `--threads` allows. Default: they count among the threads.
    #[schemars(with = "u32", range(min = 1))]
    pub concurrency: Option<u32>,
    /// What the environments of models are there.
    pub environments: BTreeMap<String, Environment>,
}

/// How the script reaches the command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Bundle {
    /// On its standard input.
    #[default]
    Stdin,
    /// As `script.py` in a folder of its own, with `node.json`.
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

/// An environment of models, as the machines have it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Environment {
    /// What `{python}` stands for.
    #[schemars(with = "String")]
    pub python: Option<String>,
    /// The command, in the place of the general one.
    #[schemars(with = "Words")]
    pub command: Option<Words>,
}

/// Trying again.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Retries {
    /// How often a model is tried in all. Default: 1.
    #[schemars(range(min = 1))]
    pub attempts: u32,
    /// The wait ahead of the second attempt; it doubles each time and is shortened by up to a half, at random. Default: 2 s.
    pub backoff: Span,
    /// The longest wait. Default: 1 minute.
    pub longest: Span,
    /// After what: exit codes, `exit` (any but 0, 1, 126 and 127), `signal`, `timeout`. Default: `[exit, signal]`.
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

/// What may be tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// This exit code.
    Code(u8),
    /// Any exit code that stands for the infrastructure.
    Exit,
    /// A signal ended the command.
    Signal,
    /// It took too long.
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
