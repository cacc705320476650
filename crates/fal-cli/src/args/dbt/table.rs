//! The flags of dbt that none of our commands reads itself, and what becomes of each.

use Takes::{Nothing, One, Path, Several};

/// dbt's commands.
pub(super) const COMMANDS: &[&str] = &[
    "build",
    "clean",
    "clone",
    "compile",
    "debug",
    "deps",
    "docs generate",
    "docs serve",
    "init",
    "ls",
    "parse",
    "retry",
    "run",
    "run-operation",
    "seed",
    "show",
    "snapshot",
    "source freshness",
    "test",
];

/// How many words follow a flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    Nothing,
    One,
    /// A path, which becomes absolute: dbt may run in another folder.
    Path,
    Several,
}

/// What a flag does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// dbt gets it and does the work.
    Dbt,
    /// Nothing, for this reason.
    Nothing(&'static str),
}

/// A flag of dbt.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flag {
    /// Its names: the long one first, then a short one and other long ones.
    pub(super) names: &'static str,
    /// Whether there is a `--no-` form.
    pub(super) has_no: bool,
    pub(super) takes: Takes,
    /// The commands that have it and do not read it themselves.
    pub(super) commands: &'static [&'static str],
    pub(super) effect: Effect,
    pub(super) help: &'static str,
}

const fn flag(
    names: &'static str,
    takes: Takes,
    commands: &'static [&'static str],
    help: &'static str,
) -> Flag {
    Flag {
        names,
        has_no: false,
        takes,
        commands,
        effect: Effect::Dbt,
        help,
    }
}

const fn switch(
    names: &'static str,
    commands: &'static [&'static str],
    help: &'static str,
) -> Flag {
    Flag {
        has_no: true,
        ..flag(names, Nothing, commands, help)
    }
}

const fn without_effect(flag: Flag, reason: &'static str) -> Flag {
    Flag {
        effect: Effect::Nothing(reason),
        ..flag
    }
}

/// Commands that dbt runs and that select nodes. `show` reads its selection itself.
const SELECTING: &[&str] = &["clone", "compile", "docs generate", "source freshness"];
/// Commands that dbt runs, and `retry`; `show` has these itself.
const WITHOUT_STATE: &[&str] = &[
    "clean",
    "clone",
    "compile",
    "debug",
    "deps",
    "docs generate",
    "docs serve",
    "init",
    "parse",
    "retry",
    "run-operation",
    "source freshness",
];
/// The same without `retry`, which has these itself.
const OF_DBT: &[&str] = &[
    "clean",
    "clone",
    "compile",
    "debug",
    "deps",
    "docs generate",
    "docs serve",
    "init",
    "parse",
    "run-operation",
    "source freshness",
];
/// The same with `show`, and with `ls`, which fails at nothing.
const NOT_FAILING: &[&str] = &[
    "clean",
    "clone",
    "compile",
    "debug",
    "deps",
    "docs generate",
    "docs serve",
    "init",
    "ls",
    "parse",
    "run-operation",
    "show",
    "source freshness",
];

/// The flags, by what they are about.
#[rustfmt::skip]
pub(super) const FLAGS: &[Flag] = &[
    // Parsing.
    switch("partial-parse", COMMANDS, "Parse only files that have changed"),
    switch("partial-parse-file-diff", COMMANDS, "Look for changed files"),
    flag("partial-parse-file-path", Path, COMMANDS, "File of the partial parse"),
    switch("static-parser", COMMANDS, "Parse simple models without rendering them"),
    switch("use-experimental-parser", COMMANDS, "Use dbt's experimental parser"),
    switch("use-v2-parser", COMMANDS, "Use the parser of dbt 2"),
    flag("v2-parser", One, COMMANDS, "How to use the parser of dbt 2"),
    switch("use-fast-test-edges", COMMANDS, "Add edges between tests and models faster"),
    switch("version-check", COMMANDS, "Check require-dbt-version"),
    switch("macro-debugging", COMMANDS, "Debug macros"),
    flag("sqlparse", One, &["build", "compile", "docs generate", "run", "seed", "show", "snapshot", "source freshness", "test"], "Limits of the SQL parser, as YAML"),
    flag("maximum-seed-size-mib", One, COMMANDS, "Largest seed, in MiB"),
    // The warehouse.
    switch("cache-selected-only", COMMANDS, "Cache only the schemas of selected nodes"),
    switch("populate-cache", COMMANDS, "Fill the cache of relations at the start"),
    switch("log-cache-events", COMMANDS, "Log events of the cache of relations"),
    switch("introspect", &["compile", "show"], "Let compilation query the warehouse"),
    switch("inject-ephemeral-ctes", &["compile"], "Put ephemeral models into compiled SQL"),
    // Logs and artifacts.
    flag("log-path", Path, COMMANDS, "Folder of dbt.log"),
    flag("log-format-file", One, COMMANDS, "Form of dbt.log"),
    flag("log-level-file", One, COMMANDS, "Least level in dbt.log"),
    flag("log-file-max-bytes", One, COMMANDS, "Largest dbt.log"),
    switch("use-colors-file", COMMANDS, "Colours in dbt.log"),
    switch("print", COMMANDS, "Show what macros print"),
    flag("deprecated-print", Nothing, COMMANDS, "dbt's old name"),
    flag("deprecated-no-print", Nothing, COMMANDS, "dbt's old name"),
    switch("write-json", COMMANDS, "Write artifacts"),
    flag("record-timing-info -r", Path, COMMANDS, "Profile dbt into this file"),
    switch("show-all-deprecations", COMMANDS, "Show each deprecation every time"),
    switch("hints-enabled", COMMANDS, "Show hints"),
    switch("upload-to-artifacts-ingest-api", COMMANDS, "Upload artifacts to dbt's service"),
    switch("snowflake-projects-otel", COMMANDS, "Telemetry of Snowflake projects"),
    // Selection and state, where none of our commands reads them.
    flag("select -s -m models model", Several, SELECTING, "Nodes to select"),
    flag("exclude", Several, SELECTING, "Nodes to exclude"),
    flag("selector", One, SELECTING, "A selector of selectors.yml"),
    flag("resource-type resource-types", Several, &["clone"], "Only nodes of this type"),
    flag("exclude-resource-type exclude-resource-types", Several, &["clone"], "No nodes of this type"),
    flag("indirect-selection", One, WITHOUT_STATE, "Which tests come with their nodes"),
    flag("state", Path, OF_DBT, "Artifacts of an earlier run"),
    flag("defer-state", Path, WITHOUT_STATE, "Artifacts for --defer alone"),
    switch("defer", WITHOUT_STATE, "Read unselected parents from the state"),
    switch("favor-state", WITHOUT_STATE, "Prefer the state's relations"),
    flag("deprecated-state", Path, COMMANDS, "dbt's old name"),
    flag("deprecated-defer", One, COMMANDS, "dbt's old name"),
    flag("deprecated-favor-state", One, COMMANDS, "dbt's old name"),
    // How much runs.
    switch("fail-fast -x", NOT_FAILING, "Stop at the first failure"),
    flag("full-refresh -f", Nothing, &["clone", "compile"], "Rebuild incremental models"),
    switch("empty", &["compile", "seed"], "Read no rows"),
    flag("sample", One, &["build", "run"], "Read only rows of a time range"),
    flag("show", Nothing, &["build"], "Show some rows of each seed"),
    switch("include-saved-query", &["build"], "Include saved queries"),
    // Flags of single commands.
    flag("inline", One, &["compile"], "SQL instead of a node"),
    flag("inline-direct", One, &["show"], "SQL that is run as it is"),
    flag("output", One, &["compile"], "Form of the output: text or json"),
    flag("output -o", Path, &["source freshness"], "File of the results"),
    flag("args", One, &["run-operation"], "Arguments of the macro, as YAML"),
    flag("sql", One, &["run-operation"], "SQL instead of a macro"),
    switch("compile", &["docs generate"], "Compile nodes too"),
    flag("empty-catalog", Nothing, &["docs generate"], "Leave the catalog empty"),
    flag("static", Nothing, &["docs generate"], "Write one file with everything"),
    switch("browser", &["docs serve"], "Open a browser"),
    flag("host", One, &["docs serve"], "Host of the server"),
    flag("port", One, &["docs serve"], "Port of the server"),
    switch("clean-project-files-only", &["clean"], "Delete only inside of the project"),
    flag("config-dir", Nothing, &["debug"], "Show the folder of profiles.yml"),
    flag("connection", Nothing, &["debug"], "Test the connection only"),
    flag("add-package", One, &["deps"], "Add a package"),
    flag("source", One, &["deps"], "Where the package comes from"),
    flag("lock", Nothing, &["deps"], "Write package-lock.yml only"),
    flag("upgrade", Nothing, &["deps"], "Upgrade packages"),
    flag("skip-profile-setup -s", Nothing, &["init"], "Make no profile"),
    flag("skip-debug", Nothing, &["init"], "Do not run `debug` at the end"),
    // Without effect.
    without_effect(
        switch("send-anonymous-usage-stats", COMMANDS, "No effect"),
        "fal-host collects no usage statistics, and tells dbt to send none",
    ),
    without_effect(
        switch("enable-legacy-logger", COMMANDS, "No effect"),
        "The logger of dbt before 1.0, which only dbt 1.8 still has",
    ),
    without_effect(
        switch("show-resource-report", COMMANDS, "No effect"),
        "dbt itself ignores it",
    ),
];
