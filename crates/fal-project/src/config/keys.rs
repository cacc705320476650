//! The keys of `fal_project.yml`: what the parser accepts, and what the reference and the JSON schema
//! for editors are made of.

/// A key of a mapping.
pub(super) struct Key {
    pub(super) name: &'static str,
    #[cfg_attr(not(test), expect(dead_code, reason = "for the reference"))]
    pub(super) form: Form,
    #[cfg_attr(not(test), expect(dead_code, reason = "for the reference"))]
    pub(super) about: &'static str,
}

/// The values that a key takes.
#[cfg_attr(not(test), expect(dead_code, reason = "for the reference"))]
pub(super) enum Form {
    /// Text that must be there.
    Required,
    /// Text.
    Text,
    /// Text, or a list of texts.
    Texts,
    /// The same, which must be there.
    RequiredTexts,
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// Seconds above 0.
    Seconds,
    /// `true`, `false`, or names.
    Switch,
    /// The options of a plugin, which the plugin's own schema checks.
    Options,
    /// A mapping from plugins to their options.
    OptionsByName,
    /// A mapping.
    Map(&'static [Key]),
    /// A list of mappings.
    List(&'static [Key]),
}

use Form::{
    List, Map, OneOf, Options, OptionsByName, Required, RequiredTexts, Seconds, Switch, Text, Texts,
};

const fn key(name: &'static str, form: Form, about: &'static str) -> Key {
    Key { name, form, about }
}

pub(super) const TOP: &[Key] = &[
    key("plugins", Map(PLUGINS), "Which plugin fills which stage"),
    key(
        "routes",
        List(ROUTE),
        "Which runner takes which Python models; the first route that matches counts",
    ),
    key(
        "runners",
        List(RUNNER),
        "Runners by a name, so that one plugin can be several",
    ),
    key(
        "environments",
        List(ENVIRONMENT),
        "Python environments for models, hooks and scripts",
    ),
];

pub(super) const PLUGINS: &[Key] = &[
    key("paths", Texts, "Folders with plugins of the project"),
    key(
        "python-parser",
        Texts,
        "The parsers of Python files, by name or path; each tries what the one before cannot read",
    ),
    key("notebook-parser", Texts, "The parsers of notebooks"),
    key("stub-writer", Text, "The writer of stubs"),
    key("execution-backend", Texts, "The backend that runs nodes"),
    key(
        "config",
        OptionsByName,
        "The options of each plugin, by its name",
    ),
    key(
        "isolate",
        Switch,
        "Libraries of plugins that run in a separate process: `true` for all, or names",
    ),
    key(
        "timeout",
        Seconds,
        "Time limit of a plugin's call, in seconds (60)",
    ),
    key(
        "session_timeout",
        Seconds,
        "Time limit of calls that do your work, in seconds (none)",
    ),
];

pub(super) const ROUTE: &[Key] = &[
    key("select", RequiredTexts, "Models, as with `--select`"),
    key(
        "exclude",
        Texts,
        "Models that are left out, as with `--exclude`",
    ),
    key(
        "runner",
        Required,
        "The plugin or runner that takes them; `local` is where dbt runs",
    ),
];

pub(super) const RUNNER: &[Key] = &[
    key(
        "name",
        Required,
        "The name for `--runner`, routes and schema files",
    ),
    key("plugin", Required, "The plugin, by name or path"),
    key(
        "config",
        Options,
        "Its options, instead of those below `plugins: config:`",
    ),
];

pub(super) const ENVIRONMENT: &[Key] = &[
    key("name", Required, "The name that models use; not `local`"),
    key(
        "type",
        OneOf(&["venv", "virtualenv", "conda"]),
        "What builds it (`venv`)",
    ),
    key(
        "requirements",
        Texts,
        "Lines as in pip's requirements files; for `venv`",
    ),
    key("packages", Texts, "Package specifications; for `conda`"),
    key("python", Text, "Version of Python, in quotes: `\"3.11\"`"),
    key("python_version", Text, "The same, as fal called it"),
];

/// The names of these keys, without one that does not apply.
pub(super) fn names(keys: &[Key], without: Option<&str>) -> Vec<&'static str> {
    let names = keys.iter().map(|key| key.name);
    names.filter(|name| Some(*name) != without).collect()
}
