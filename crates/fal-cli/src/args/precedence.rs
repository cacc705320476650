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
