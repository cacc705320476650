//! Where a flag's value comes from: the command line, the environment, `flags:` of dbt_project.yml, in
//! dbt's order.

use std::env;

use clap::{Arg, Command, builder::OsStr};
use serde_json::{Map, Value};

/// Makes the flags of dbt_project.yml defaults, and reads the names that dbt 1.11 and newer give to
/// environment variables (`DBT_ENGINE_...`) before the older ones.
pub(super) fn applied(command: Command, flags: &Map<String, Value>) -> Command {
    let command = command.mut_args(|arg| with_default(with_engine_name(arg), flags));
    let names: Vec<String> = command
        .get_subcommands()
        .map(|inner| inner.get_name().to_owned())
        .collect();
    names.into_iter().fold(command, |command, name| {
        command.mut_subcommand(name, |inner| applied(inner, flags))
    })
}

fn with_engine_name(arg: Arg) -> Arg {
    let name = arg.get_env().and_then(|name| name.to_str());
    let engine = name.and_then(|name| Some(format!("DBT_ENGINE_{}", name.strip_prefix("DBT_")?)));
    match engine.filter(|name| env::var_os(name).is_some()) {
        Some(name) => arg.env(OsStr::from(name)),
        None => arg,
    }
}

/// dbt reads the flags that it alone knows from the file itself.
fn with_default(arg: Arg, flags: &Map<String, Value>) -> Arg {
    if arg.get_help_heading() == Some(super::dbt::HEADING) {
        return arg;
    }
    let value = match flags.get(arg.get_id().as_str()) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => return arg,
        Some(other) => other.to_string(),
    };
    arg.default_value(OsStr::from(value))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::args::Cli;

    /// Returns the value that a flag of `run` has.
    fn value(id: &str, flags: &Map<String, Value>, line: &[&str]) -> String {
        let words = ["fal-host", "run"].iter().chain(line);
        let matches = applied(Cli::full_command(), flags).get_matches_from(words);
        let (_, run) = matches.subcommand().unwrap();
        let undone = run.try_get_one::<bool>(&format!("no_{id}"));
        if undone.is_ok_and(|undone| undone == Some(&true)) {
            return "false".to_owned();
        }
        let mut values = run.get_raw(id).unwrap();
        values.next_back().unwrap().to_str().unwrap().to_owned()
    }

    /// clap itself puts the environment between the two.
    #[test]
    fn the_command_line_counts_before_the_project() {
        let flags = [
            ("fail_fast", json!(true), "--no-fail-fast", "false"),
            (
                "indirect_selection",
                json!("cautious"),
                "--indirect-selection=buildable",
                "buildable",
            ),
            ("log_format", json!("json"), "--log-format=text", "text"),
            ("log_level", json!("debug"), "--log-level=warn", "warn"),
            ("printer_width", json!(60), "--printer-width=90", "90"),
            ("quiet", json!(true), "--no-quiet", "false"),
            ("use_colors", json!(false), "--use-colors", "true"),
            ("warn_error", json!(false), "--warn-error", "true"),
        ];
        for (id, of_project, word, of_line) in flags {
            let text = of_project.to_string();
            let all = Map::from_iter([(id.to_owned(), of_project)]);
            assert_eq!(value(id, &all, &[]), text.trim_matches('"'), "{id}");
            assert_eq!(value(id, &all, &[word]), of_line, "{id}");
        }
    }
}
