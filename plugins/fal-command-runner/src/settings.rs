//! The validated configuration: parses every template and reports mistakes before anything runs.

use std::collections::{BTreeMap, BTreeSet};

use fal_plugin::PluginError;

use crate::{
    config::{Bundle, Config},
    error,
    template::{Missing, Template, TemplateError},
    values::{Name, Values},
    words::{Item, Scalar, Words},
};

/// A validated configuration.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) config: Config,
    pub(crate) command: Line,
    pub(crate) cleanup: Option<Line>,
    /// Commands by environment, for environments that set `command`.
    pub(crate) commands: BTreeMap<String, Line>,
    pub(crate) env: Vec<(String, Template)>,
}

/// A command line with placeholders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    shell: bool,
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Word(Template),
    Group(Vec<Template>),
}

fn wrong(key: &str, cause: impl std::fmt::Display) -> PluginError {
    PluginError::new(
        error::CONFIG,
        format!("wrong configuration of the command runner: `{key}`: {cause}"),
    )
}

impl Settings {
    pub(crate) fn new(config: Config) -> Result<Self, PluginError> {
        let python = || {
            Words::List(
                ["{python}", "-"]
                    .map(|word| Item::Word(Scalar::Text(word.to_owned())))
                    .into(),
            )
        };
        let bundled = config.bundle == Bundle::File;
        let command = match &config.command {
            None if bundled => {
                return Err(wrong(
                    "bundle",
                    "a file needs a `command` that uses it: [..., \"{script}\"]",
                ));
            }
            given => Line::of_model("command", &given.clone().unwrap_or_else(python), &config)?,
        };
        let cleanup = config
            .cleanup
            .as_ref()
            .map(|words| Line::new("cleanup", words, &config))
            .transpose()?;
        let mut commands = BTreeMap::new();
        for (name, environment) in &config.environments {
            if let Some(words) = &environment.command {
                let key = format!("environments.{name}.command");
                commands.insert(name.clone(), Line::of_model(&key, words, &config)?);
            }
        }
        let env = variables(&config)?;
        Ok(Self {
            command,
            cleanup,
            commands,
            env,
            config,
        })
    }

    /// Returns every `KEY` that a template uses as `{custom.KEY}`.
    pub(crate) fn custom(&self) -> BTreeSet<String> {
        let lines = self
            .commands
            .values()
            .chain([&self.command])
            .chain(&self.cleanup);
        let templates = lines
            .flat_map(Line::templates)
            .chain(self.env.iter().map(|(_, template)| template));
        let names = templates.flat_map(Template::slots).map(|slot| &slot.name);
        names
            .filter_map(|name| {
                if let Name::Custom(key) = name {
                    Some(key.clone())
                } else {
                    None
                }
            })
            .collect()
    }
}

fn variables(config: &Config) -> Result<Vec<(String, Template)>, PluginError> {
    let one = |(name, value): (&String, &Scalar)| {
        let key = format!("env.{name}");
        if name.is_empty() || name.contains(['=', '\0']) {
            return Err(wrong(&key, "this is no name of a variable"));
        }
        Ok((name.clone(), template(&key, &value.text(), config.bundle)?))
    };
    config.env.iter().map(one).collect()
}

/// Parses a template and checks that this kind of bundle provides its placeholders.
fn template(key: &str, text: &str, bundle: Bundle) -> Result<Template, PluginError> {
    if text.contains('\0') {
        return Err(wrong(key, "a zero byte cannot be passed on"));
    }
    let template = Template::parse(text).map_err(|cause| wrong(key, cause))?;
    let file = template
        .slots()
        .map(|slot| &slot.name)
        .find(|name| matches!(name, Name::Known("script" | "dir")));
    if let (Some(name), Bundle::Stdin) = (file, bundle) {
        let cause = "needs `bundle: file`; by default the script comes on standard input";
        return Err(wrong(key, format!("`{{{name}}}` {cause}")));
    }
    Ok(template)
}

impl Line {
    fn new(key: &str, words: &Words, config: &Config) -> Result<Self, PluginError> {
        let shell = config.shell;
        let read = |key: &str, text: &str| {
            let template = template(key, text, config.bundle)?;
            let checked = if shell {
                template.check_shell()
            } else {
                Ok(())
            };
            checked.map_err(|cause: TemplateError| wrong(key, cause))?;
            Ok(template)
        };
        let pieces = match words {
            Words::Line(_) if !shell => {
                return Err(wrong(
                    key,
                    "one line needs `shell: true`; without a shell write a list of words: [ssh, host, ...]",
                ));
            }
            Words::Line(line) => vec![Piece::Word(read(key, line)?)],
            Words::List(items) => {
                let numbered = items.iter().enumerate();
                let piece = |(at, item): (usize, &Item)| {
                    let key = format!("{key}.{at}");
                    Ok(match item {
                        Item::Word(word) => Piece::Word(read(&key, &word.text())?),
                        Item::Group(words) => Piece::Group(
                            words
                                .iter()
                                .map(|word| read(&key, &word.text()))
                                .collect::<Result<_, PluginError>>()?,
                        ),
                    })
                };
                numbered.map(piece).collect::<Result<_, PluginError>>()?
            }
        };
        if pieces.is_empty() {
            return Err(wrong(key, "it has no words"));
        }
        Ok(Self { shell, pieces })
    }

    /// Parses a command that has to bring the script to a Python.
    fn of_model(key: &str, words: &Words, config: &Config) -> Result<Self, PluginError> {
        let line = Self::new(key, words, config)?;
        if config.bundle == Bundle::File && !line.uses("script") && !line.uses("dir") {
            return Err(wrong(
                key,
                "with `bundle: file` it must say where the script goes, by `{script}` or `{dir}`",
            ));
        }
        Ok(line)
    }

    fn templates(&self) -> impl Iterator<Item = &Template> {
        self.pieces.iter().flat_map(|piece| match piece {
            Piece::Word(word) => std::slice::from_ref(word),
            Piece::Group(words) => words,
        })
    }

    /// Returns whether the line contains a placeholder.
    pub(crate) fn uses(&self, name: &str) -> bool {
        self.templates()
            .flat_map(Template::slots)
            .any(|slot| matches!(&slot.name, Name::Known(known) if *known == name))
    }

    /// Returns the words of the command to start.
    pub(crate) fn render(&self, values: &Values<'_>) -> Result<Vec<String>, Missing> {
        let fill = |template: &Template| {
            if self.shell {
                template.render_quoted(values)
            } else {
                template.render(values)
            }
        };
        let mut words = Vec::new();
        for piece in &self.pieces {
            match piece {
                Piece::Word(word) => words.extend(fill(word)?),
                Piece::Group(group) => {
                    let filled: Result<Vec<_>, Missing> = group.iter().map(fill).collect();
                    words.extend(filled.into_iter().flatten().flatten());
                }
            }
        }
        Ok(if self.shell {
            vec!["/bin/sh".to_owned(), "-c".to_owned(), words.join(" ")]
        } else {
            words
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use fal_plugin::payload::Resources;
    use serde_json::{json, Value};

    use super::*;

    fn settings(config: Value) -> Result<Settings, PluginError> {
        Settings::new(Config::read(&config)?)
    }

    fn words(config: Value, resources: Value) -> Result<Vec<String>, Missing> {
        let resources: Resources = serde_json::from_value(resources).unwrap();
        let files = Some((Path::new("/b/1"), Path::new("/b/1/script.py")));
        let values = Values {
            node: "model.shop.orders",
            name: "orders",
            job: "fal-orders-1",
            resources: &resources,
            environment: None,
            python: "python3",
            files,
        };
        settings(config).unwrap().command.render(&values)
    }

    #[test]
    fn placeholders_become_values() {
        let config = json!({"bundle": "file", "command": ["run", "{name}", "--on={node}", "{cpus:1}", "{memory_mb}M",
            "{script}", "{dir}", "{custom.queue}", "{{x}}", "{timeout}", "{timeout_minutes}", "{gpus}", 22]});
        let resources =
            json!({"memory": 1_500_000, "timeout": 90.5, "gpus": 0.5, "custom": {"queue": "a b"}});
        let found = words(config, resources).unwrap();
        let expected = [
            "run",
            "orders",
            "--on=model.shop.orders",
            "1",
            "2M",
            "/b/1/script.py",
            "/b/1",
            "a b",
            "{x}",
            "91",
            "2",
            "0.5",
            "22",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn what_is_optional_drops_out() {
        let config = json!({"command": ["docker", ["--cpus", "{cpus}"], ["--gpus", "{gpus}"], "{custom.extra:}", "--label=", "x{custom.y:}"]});
        assert_eq!(
            words(config.clone(), json!({})).unwrap(),
            ["docker", "--label=", "x"]
        );
        let all = words(
            config,
            json!({"cpus": 2, "gpus": 1, "custom": {"extra": "--rm", "y": 1}}),
        )
        .unwrap();
        assert_eq!(
            all,
            ["docker", "--cpus", "2", "--gpus", "1", "--rm", "--label=", "x1"]
        );
    }

    #[test]
    fn what_is_needed_is_asked_for() {
        let missing = words(json!({"command": ["run", "{gpus}"]}), json!({})).unwrap_err();
        assert_eq!(missing.0.to_string(), "gpus");
        let missing = words(json!({"command": ["run", "{custom.queue}"]}), json!({})).unwrap_err();
        assert_eq!(missing.0.to_string(), "custom.queue");
    }

    #[test]
    fn a_shell_gets_quoted_values() {
        let resources = json!({"custom": {"q": "a'; rm -rf /"}});
        let line = words(
            json!({"shell": true, "command": "echo {custom.q} | tee {name:log}"}),
            resources.clone(),
        )
        .unwrap();
        assert_eq!(
            line,
            ["/bin/sh", "-c", r#"echo "a'; rm -rf /" | tee orders"#]
        );
        let list = words(
            json!({"shell": true, "command": ["echo", "{custom.q}", "&&", "true", "{gpus:}"]}),
            resources.clone(),
        )
        .unwrap();
        assert_eq!(list[2], r#"echo "a'; rm -rf /" && true"#);
        let remote = words(
            json!({"command": ["ssh", "host", "run {custom.q!q}"]}),
            resources,
        )
        .unwrap();
        assert_eq!(remote[2], r#"run "a'; rm -rf /""#);
    }

    #[test]
    fn mistakes_name_their_key() {
        let mistakes = [
            json!({"command": ["ssh", "{scrpt}"]}),
            json!({"command": ["ssh", ["a", "{colour}"]]}),
            json!({"command": ["ssh", "{name"]}),
            json!({"command": ["ssh", "name}"]}),
            json!({"command": ["ssh", "{script}"]}),
            json!({"command": ["ssh", "host"], "bundle": "file"}),
            json!({"bundle": "file"}),
            json!({"command": "ssh host"}),
            json!({"command": "ssh '{name}'", "shell": true}),
            json!({"command": []}),
            json!({"env": {"A": "{token}"}}),
            json!({"env": {"A=B": "x"}}),
            json!({"cleanup": ["kubectl", "{jbo}"]}),
            json!({"environments": {"ml": {"command": ["run", "{dir}"]}}}),
            json!({"command": ["{custom.}"]}),
        ];
        let said: Vec<_> = mistakes.into_iter().map(|mistake| {
            let error = settings(mistake.clone()).expect_err(&mistake.to_string());
            assert_eq!(error.code, "command::config");
            error.message.replace("wrong configuration of the command runner: ", "").replace(", {dir}, {node}, {name}, {job}, {cpus}, {memory}, {memory_mb}, {gpus}, {timeout}, {timeout_minutes}, {environment}", " ...")
        }).collect();
        insta::assert_snapshot!(said.join("\n"), @r#"
        `command.1`: there is no placeholder `{scrpt}`; did you mean `{script}`; there are {script} ..., {python} and {custom.KEY}
        `command.1`: there is no placeholder `{colour}`; there are {script} ..., {python} and {custom.KEY}
        `command.1`: a `{` is not closed; a brace itself is written `{{`
        `command.1`: a `}` closes nothing; a brace itself is written `}}`
        `command.1`: `{script}` needs `bundle: file`; by default the script comes on standard input
        `command`: with `bundle: file` it must say where the script goes, by `{script}` or `{dir}`
        `bundle`: a file needs a `command` that uses it: [..., "{script}"]
        `command`: one line needs `shell: true`; without a shell write a list of words: [ssh, host, ...]
        `command`: `{name}` is within quotes: values are quoted already, so write it without
        `command`: it has no words
        `env.A`: there is no placeholder `{token}`; there are {script} ..., {python} and {custom.KEY}
        `env.A=B`: this is no name of a variable
        `cleanup.1`: there is no placeholder `{jbo}`; did you mean `{job}`; there are {script} ..., {python} and {custom.KEY}
        `environments.ml.command.1`: `{dir}` needs `bundle: file`; by default the script comes on standard input
        `command.0`: there is no placeholder `{custom.}`; there are {script} ..., {python} and {custom.KEY}
        "#);
    }

    #[test]
    fn custom_keys_are_known() {
        let config = json!({"command": ["a", ["{custom.one}"]], "env": {"X": "{custom.two:}"}, "cleanup": ["b", "{custom.three}"]});
        assert_eq!(
            settings(config)
                .unwrap()
                .custom()
                .into_iter()
                .collect::<Vec<_>>(),
            ["one", "three", "two"]
        );
    }
}
