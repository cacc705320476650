//! Flags of the commands that run nodes: dbt's, each where dbt has it.

use std::path::PathBuf;

use clap::{ArgAction, Args, ValueEnum, builder::FalseyValueParser};
use fal_graph::{Criteria, ResourceTypes};
use fal_host::HostError;
use serde_json::{Map, Value};

use super::SelectArgs;
use crate::error::CliError;

/// A dbt command with its flags, ready to run.
pub(crate) struct Verb {
    pub(crate) command: &'static str,
    pub(crate) criteria: Criteria,
    pub(crate) fail_fast: bool,
    pub(crate) full_refresh: bool,
    pub(crate) runner: Option<String>,
    pub(crate) dbt_args: Vec<String>,
    /// What run_results.json says of the flags that the host reads, by dbt's names.
    pub(crate) host_args: Map<String, Value>,
}

impl Verb {
    fn new(
        command: &'static str,
        types: ResourceTypes,
        select: &SelectArgs,
        failing: &FailingArgs,
    ) -> Result<Self, CliError> {
        Ok(Self {
            command,
            criteria: Criteria {
                resource_types: types,
                ..select.criteria()?
            },
            fail_fast: failing.fail_fast().unwrap_or_default(),
            full_refresh: false,
            runner: None,
            dbt_args: select.dbt_args(),
            host_args: host_args(select, failing),
        })
    }

    fn of_types(mut self, types: &TypeArgs) -> Self {
        let lists = [
            ("resource_types", &types.resource_type),
            ("exclude_resource_types", &types.exclude_resource_type),
        ];
        let given = lists.into_iter().filter(|(_, names)| !names.is_empty());
        self.host_args
            .extend(given.map(|(name, names)| (name.to_owned(), names.clone().into())));
        self
    }

    fn with(mut self, dbt_args: Vec<String>) -> Self {
        self.dbt_args.extend(dbt_args);
        self
    }
}

impl RunArgs {
    pub(crate) fn verb(&self) -> Result<Verb, CliError> {
        let types = ResourceTypes::of_command("run");
        Ok(Verb {
            full_refresh: self.refresh.full_refresh,
            runner: self.runner.runner.clone(),
            ..Verb::new("run", types, &self.select, &self.failing)?.with(self.extent.dbt_args())
        })
    }
}

impl BuildArgs {
    pub(crate) fn verb(&self) -> Result<Verb, CliError> {
        let types = self.types.resource_types("build")?;
        let export = [
            switch("--export-saved-queries", self.export_saved_queries),
            switch("--no-export-saved-queries", self.no_export_saved_queries),
        ]
        .concat();
        let verb = Verb::new("build", types, &self.select, &self.failing)?
            .with(self.store.dbt_args())
            .with(self.extent.dbt_args())
            .with(export)
            .of_types(&self.types);
        Ok(Verb {
            full_refresh: self.refresh.full_refresh,
            runner: self.runner.runner.clone(),
            ..verb
        })
    }
}

impl TestArgs {
    pub(crate) fn verb(&self) -> Result<Verb, CliError> {
        let types = self.types.resource_types("test")?;
        let verb = Verb::new("test", types, &self.select, &self.failing)?;
        Ok(verb.with(self.store.dbt_args()).of_types(&self.types))
    }
}

impl SeedArgs {
    pub(crate) fn verb(&self) -> Result<Verb, CliError> {
        let types = ResourceTypes::of_command("seed").and_scripts();
        Ok(Verb {
            full_refresh: self.refresh.full_refresh,
            ..Verb::new("seed", types, &self.select, &self.failing)?
                .with(switch("--show", self.show))
        })
    }
}

impl SnapshotArgs {
    pub(crate) fn verb(&self) -> Result<Verb, CliError> {
        let types = ResourceTypes::of_command("snapshot").and_scripts();
        let verb = Verb::new("snapshot", types, &self.select, &self.failing)?;
        Ok(verb.with(self.empty.dbt_args()))
    }
}

/// Flags of `run`.
#[derive(Args, Clone, Debug)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) select: SelectArgs,
    #[command(flatten)]
    pub(crate) refresh: RefreshArgs,
    #[command(flatten)]
    pub(crate) failing: FailingArgs,
    #[command(flatten)]
    pub(crate) extent: ExtentArgs,
    #[command(flatten)]
    pub(crate) runner: RunnerArgs,
}

/// Flags of `build`.
#[derive(Args, Clone, Debug)]
pub(crate) struct BuildArgs {
    #[command(flatten)]
    pub(crate) select: SelectArgs,
    #[command(flatten)]
    pub(crate) types: TypeArgs,
    #[command(flatten)]
    pub(crate) refresh: RefreshArgs,
    #[command(flatten)]
    pub(crate) failing: FailingArgs,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    #[command(flatten)]
    pub(crate) extent: ExtentArgs,
    #[command(flatten)]
    pub(crate) runner: RunnerArgs,
    /// Export saved queries
    #[arg(long, overrides_with = "no_export_saved_queries")]
    pub(crate) export_saved_queries: bool,
    /// Undoes --export-saved-queries
    #[arg(long, hide = true, overrides_with = "export_saved_queries")]
    no_export_saved_queries: bool,
}

/// Flags of `test`.
#[derive(Args, Clone, Debug)]
pub(crate) struct TestArgs {
    #[command(flatten)]
    pub(crate) select: SelectArgs,
    #[command(flatten)]
    pub(crate) types: TypeArgs,
    #[command(flatten)]
    pub(crate) failing: FailingArgs,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

/// Flags of `seed`.
#[derive(Args, Clone, Debug)]
pub(crate) struct SeedArgs {
    #[command(flatten)]
    pub(crate) select: SelectArgs,
    #[command(flatten)]
    pub(crate) refresh: RefreshArgs,
    #[command(flatten)]
    pub(crate) failing: FailingArgs,
    /// Show some rows of each seed
    #[arg(long)]
    pub(crate) show: bool,
}

/// Flags of `snapshot`.
#[derive(Args, Clone, Debug)]
pub(crate) struct SnapshotArgs {
    #[command(flatten)]
    pub(crate) select: SelectArgs,
    #[command(flatten)]
    pub(crate) failing: FailingArgs,
    #[command(flatten)]
    pub(crate) empty: EmptyArgs,
}

/// Flags of `retry`.
#[derive(Args, Clone, Debug)]
pub(crate) struct RetryArgs {
    /// Folder of the run_results.json to start from [default: the target folder]
    #[arg(long, value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) refresh: RefreshArgs,
    #[command(flatten)]
    pub(crate) failing: FailingArgs,
    #[command(flatten)]
    pub(crate) runner: RunnerArgs,
}

/// Flags of `show`.
#[derive(Args, Clone, Debug)]
pub(crate) struct ShowArgs {
    #[command(flatten)]
    pub(crate) select: SelectArgs,
    #[command(flatten)]
    pub(crate) refresh: RefreshArgs,
    /// Number of rows; -1 for all
    #[arg(
        long,
        value_name = "N",
        default_value_t = 5,
        allow_negative_numbers = true
    )]
    pub(crate) limit: i64,
    /// Form of the rows
    #[arg(long, value_name = "FORM", default_value = "text")]
    pub(crate) output: ShowOutput,
    /// SQL instead of nodes
    #[arg(long, value_name = "SQL", allow_hyphen_values = true)]
    pub(crate) inline: Option<String>,
    /// The whole command line, for dbt.
    #[arg(skip)]
    pub(crate) line: Vec<String>,
}

/// Form of shown rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ShowOutput {
    /// A table.
    Text,
    /// For programs.
    Json,
}

/// Where Python models run.
#[derive(Args, Clone, Debug)]
pub(crate) struct RunnerArgs {
    /// Run all Python models on this runner, despite schema files and routes; `local`: where dbt runs
    #[arg(long, value_name = "NAME_OR_PATH", help_heading = "Plugins")]
    pub(crate) runner: Option<String>,
}

/// Whether to rebuild tables.
#[derive(Args, Clone, Debug)]
pub(crate) struct RefreshArgs {
    /// Rebuild incremental models and seeds from scratch
    #[arg(short, long, env = "DBT_FULL_REFRESH", hide_env = true, value_parser = FalseyValueParser::new())]
    pub(crate) full_refresh: bool,
}

/// What a failure stops.
#[derive(Args, Clone, Debug)]
pub(crate) struct FailingArgs {
    /// Start no more nodes once one has failed
    #[arg(short = 'x', long, env = "DBT_FAIL_FAST", hide_env = true, overrides_with = "no_fail_fast", value_parser = FalseyValueParser::new())]
    fail_fast: bool,
    /// Undoes --fail-fast and DBT_FAIL_FAST
    #[arg(long, hide = true, overrides_with = "fail_fast")]
    no_fail_fast: bool,
}

impl FailingArgs {
    /// What the command line, the environment and the project say; `None` if they say nothing.
    pub(crate) fn fail_fast(&self) -> Option<bool> {
        (self.fail_fast || self.no_fail_fast).then_some(!self.no_fail_fast)
    }
}

/// Which kinds of nodes.
#[derive(Args, Clone, Debug)]
pub(crate) struct TypeArgs {
    /// Only nodes of this type: model, seed, snapshot, test, unit_test, ...; repeatable
    #[arg(long, visible_alias = "resource-types", value_name = "TYPE", num_args = 1.., action = ArgAction::Append,
        env = "DBT_RESOURCE_TYPES", hide_env = true, value_delimiter = ' ')]
    pub(crate) resource_type: Vec<String>,
    /// No nodes of this type
    #[arg(long, visible_alias = "exclude-resource-types", value_name = "TYPE", num_args = 1.., action = ArgAction::Append,
        env = "DBT_EXCLUDE_RESOURCE_TYPES", hide_env = true, value_delimiter = ' ')]
    pub(crate) exclude_resource_type: Vec<String>,
}

/// Where rows that fail tests go.
#[derive(Args, Clone, Debug)]
pub(crate) struct StoreArgs {
    /// Store the rows that fail tests in tables
    #[arg(long)]
    pub(crate) store_failures: bool,
}

/// Without data.
#[derive(Args, Clone, Debug)]
pub(crate) struct EmptyArgs {
    /// Read no rows: only check that everything builds
    #[arg(long, overrides_with = "no_empty")]
    pub(crate) empty: bool,
    /// Undoes --empty
    #[arg(long, hide = true, overrides_with = "empty")]
    pub(crate) no_empty: bool,
}

/// How much data.
#[derive(Args, Clone, Debug)]
pub(crate) struct ExtentArgs {
    #[command(flatten)]
    pub(crate) empty: EmptyArgs,
    /// Start of the event time for microbatch models
    #[arg(long, value_name = "TIME")]
    pub(crate) event_time_start: Option<String>,
    /// End of the event time for microbatch models
    #[arg(long, value_name = "TIME")]
    pub(crate) event_time_end: Option<String>,
}

impl TypeArgs {
    /// Returns the resource types that a command runs. Scripts go with their models unless they are
    /// excluded.
    fn resource_types(&self, command: &str) -> Result<ResourceTypes, CliError> {
        let own = ResourceTypes::of_command(command);
        let narrowed = own
            .narrowed(&self.resource_type, &self.exclude_resource_type)
            .map_err(HostError::from)?;
        let named = self
            .resource_type
            .iter()
            .filter(|name| !matches!(name.as_str(), "all" | "default"));
        if let Some(name) = named.into_iter().find(|name| !own.includes(name)) {
            return Err(CliError::usage(format!(
                "`fal-host {command}` runs nothing of type `{name}`"
            )));
        }
        let no_scripts = self
            .exclude_resource_type
            .iter()
            .any(|name| name == "script");
        Ok(if no_scripts {
            narrowed
        } else {
            narrowed.and_scripts()
        }
        .within(&own))
    }
}

impl StoreArgs {
    /// Returns these flags as words of a dbt command line.
    fn dbt_args(&self) -> Vec<String> {
        switch("--store-failures", self.store_failures)
    }
}

impl EmptyArgs {
    /// Returns these flags as words of a dbt command line.
    fn dbt_args(&self) -> Vec<String> {
        [
            switch("--empty", self.empty),
            switch("--no-empty", self.no_empty),
        ]
        .concat()
    }
}

impl ExtentArgs {
    /// Returns these flags as words of a dbt command line.
    fn dbt_args(&self) -> Vec<String> {
        let times = [
            ("--event-time-start", &self.event_time_start),
            ("--event-time-end", &self.event_time_end),
        ];
        let given = times
            .into_iter()
            .filter_map(|(flag, time)| Some([flag.to_owned(), time.clone()?]));
        self.empty
            .dbt_args()
            .into_iter()
            .chain(given.flatten())
            .collect()
    }
}

/// Returns the flags of a command line that the host alone reads, as dbt would write them.
fn host_args(select: &SelectArgs, failing: &FailingArgs) -> Map<String, Value> {
    let lists = [("select", &select.select), ("exclude", &select.exclude)];
    let lists = lists.into_iter().filter(|(_, words)| !words.is_empty());
    let mut args: Map<String, Value> = lists
        .map(|(name, words)| (name.to_owned(), words.clone().into()))
        .collect();
    let texts = [
        ("selector", &select.selector),
        ("indirect_selection", &select.indirect_selection),
    ];
    for (name, text) in texts {
        args.extend(text.clone().map(|text| (name.to_owned(), text.into())));
    }
    let fail_fast = failing.fail_fast().map(Value::from);
    args.extend(fail_fast.map(|value| ("fail_fast".to_owned(), value)));
    args
}

/// Returns the word if it is on.
fn switch(word: &str, on: bool) -> Vec<String> {
    on.then(|| word.to_owned()).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn types(command: &str, only: &[&str], without: &[&str]) -> Result<String, String> {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let args = TypeArgs {
            resource_type: words(only),
            exclude_resource_type: words(without),
        };
        let types = args
            .resource_types(command)
            .map_err(|error| error.to_string())?;
        let all = [
            "model",
            "seed",
            "snapshot",
            "test",
            "unit_test",
            "source",
            "script",
        ];
        Ok(all
            .into_iter()
            .filter(|name| types.includes(name))
            .collect::<Vec<_>>()
            .join(" "))
    }

    #[test]
    fn scripts_go_with_their_models_unless_they_are_excluded() {
        let all_of_build = "model seed snapshot test unit_test script";
        let cases: [(&[&str], &[&str], &str); 6] = [
            (&[], &[], all_of_build),
            (&["all"], &[], all_of_build),
            (
                &["default"],
                &["test"],
                "model seed snapshot unit_test script",
            ),
            (&["model"], &[], "model script"),
            (&["model"], &["script"], "model"),
            (&["test", "seed"], &["seed"], "test script"),
        ];
        for (only, without, expected) in cases {
            assert_eq!(
                types("build", only, without).as_deref(),
                Ok(expected),
                "{only:?} {without:?}"
            );
        }
        assert_eq!(types("test", &[], &["unit_test"]).as_deref(), Ok("test"));
    }

    #[test]
    fn types_that_the_command_does_not_run_are_refused() {
        assert_eq!(
            types("test", &["model"], &[]),
            Err("`fal-host test` runs nothing of type `model`".to_owned())
        );
        assert!(
            types("build", &["modle"], &[])
                .unwrap_err()
                .contains("did you mean 'model'?")
        );
    }
}
