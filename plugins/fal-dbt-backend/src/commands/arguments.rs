//! Command lines of dbt for what the host asks.

use std::path::Path;

use fal_plugin::payload::OpenRequest;
use serde_json::Value;

use super::manifest::Node;

/// Commands of dbt that run nodes.
const COMMANDS: &[&str] = &["run", "build", "test", "seed", "snapshot"];
/// fal-host's command for the last run's scripts. To dbt it is a run without nodes.
pub(crate) const OF_LAST_RUN: &str = "hooks";

/// Returns dbt's command, which macros and artifacts see. Commands that only read the graph use
/// `build`.
pub(crate) fn command_of(request: &OpenRequest) -> &str {
    let command = request.command.as_str();
    match command {
        OF_LAST_RUN => "run",
        _ if COMMANDS.contains(&command) => command,
        _ => "build",
    }
}

/// Reads the project and writes manifest.json.
pub(crate) fn parse(request: &OpenRequest) -> Vec<String> {
    common("parse", request)
}

/// Runs just the nodes that `selectors` mean.
pub(crate) fn run(request: &OpenRequest, command: &str, selectors: Vec<String>) -> Vec<String> {
    let mut words = common(command, request);
    if let Some(threads) = request.threads {
        words.extend(["--threads".to_owned(), threads.to_string()]);
    }
    if request.full_refresh && command != "test" {
        words.push("--full-refresh".to_owned());
    }
    words.extend(request.dbt_args.iter().cloned());
    if matches!(command, "build" | "test") {
        // dbt would add tests to what is selected.
        words.extend(["--indirect-selection", "empty"].map(str::to_owned));
    }
    words.push("--select".to_owned());
    words.extend(selectors);
    words
}

/// Asks dbt what a selection method finds.
pub(crate) fn list(request: &OpenRequest, method: &str, value: &str) -> Vec<String> {
    let mut words = common("ls", request);
    words.extend(state(&request.dbt_args));
    let output = ["--output", "json", "--output-keys", "unique_id", "--select"];
    words.extend(output.map(str::to_owned));
    words.push(format!("{method}:{value}"));
    words
}

/// Runs a query in the warehouse and prints its rows as JSON.
pub(crate) fn show(request: &OpenRequest, sql: &str) -> Vec<String> {
    let mut words = common("show", request);
    words.extend(["--output", "json", "--inline", sql].map(str::to_owned));
    words
}

/// Compiles the SQL that follows `--inline`.
pub(crate) fn compile(request: &OpenRequest) -> Vec<String> {
    let mut words = common("compile", request);
    let of_defer = ["--defer", "--no-defer", "--favor-state", "--no-favor-state"];
    let given = request.dbt_args.iter();
    words.extend(given.filter(|word| of_defer.contains(&&***word)).cloned());
    words.extend(state(&request.dbt_args));
    words
}

fn common(command: &str, request: &OpenRequest) -> Vec<String> {
    let level = if request.debug { "debug" } else { "info" };
    let mut words: Vec<_> = [
        command,
        "--log-format",
        "json",
        "--log-level",
        level,
        "--no-send-anonymous-usage-stats",
        "--project-dir",
        &request.project_dir,
    ]
    .map(str::to_owned)
    .into();
    let valued = [
        ("--profiles-dir", &request.profiles_dir),
        ("--profile", &request.profile),
        ("--target", &request.target),
        ("--target-path", &request.target_path),
    ];
    for (name, value) in valued {
        if let Some(value) = value {
            words.extend([name.to_owned(), value.clone()]);
        }
    }
    if !request.vars.is_empty() {
        let vars = Value::Object(request.vars.clone());
        words.extend(["--vars".to_owned(), vars.to_string()]);
    }
    words
}

/// Returns the words without a flag and the value that follows it.
pub(crate) fn without_value(words: &[String], flag: &str) -> Vec<String> {
    let mut kept = Vec::new();
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        if word == flag {
            rest.next();
        } else {
            kept.push(word.clone());
        }
    }
    kept
}

/// Returns the folders of earlier states, of all the flags of a run.
fn state(words: &[String]) -> Vec<String> {
    let mut kept = Vec::new();
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        let (name, value) = word
            .split_once('=')
            .map_or((&**word, None), |(name, value)| (name, Some(value)));
        if matches!(name, "--state" | "--defer-state") {
            let value = value.map(str::to_owned).or_else(|| rest.next().cloned());
            kept.extend([name.to_owned(), value.unwrap_or_default()]);
        }
    }
    kept
}

/// Returns the flags of a run with folders of states that do not depend on where the project is.
pub(crate) fn with_whole_paths(words: &[String], project: &Path) -> Vec<String> {
    let is_state = |name: &str| matches!(name, "--state" | "--defer-state");
    let whole = |path: &str| project.join(path).display().to_string();
    let mut is_value = false;
    let mut made = Vec::new();
    for word in words {
        made.push(match word.split_once('=') {
            _ if is_value => whole(word),
            Some((name, path)) if is_state(name) => format!("{name}={}", whole(path)),
            _ => word.clone(),
        });
        is_value = is_state(word);
    }
    made
}

/// Returns the word of dbt's selection syntax that means exactly this node.
///
/// It is an intersection, since a qualified name alone would also find what is in a folder of that
/// name.
pub(crate) fn selector(node: &Node, is_in_project: bool) -> String {
    let kind = node.resource_type();
    let name: Vec<_> = node.fqn().map(plain).collect();
    let word = format!("fqn:{},resource_type:{kind}", name.join("."));
    // A schema file has many tests, and `path:` finds nothing in packages.
    if matches!(kind, "model" | "seed" | "snapshot") && is_in_project {
        let path = node.text("original_file_path").replace('\\', "/");
        format!("{word},path:{}", plain(&path))
    } else {
        word
    }
}

/// Replaces what has a meaning on dbt's command line or in its patterns by `?`, any one character.
fn plain(text: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "_./-".contains(c);
    text.chars()
        .map(|c| if is_plain(c) { c } else { '?' })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request(fields: Value) -> OpenRequest {
        let mut all =
            json!({ "project_dir": "/p", "command": "build", "execute": true, "state_dir": "/s" });
        all.as_object_mut()
            .unwrap()
            .extend(fields.as_object().unwrap().clone());
        serde_json::from_value(all).unwrap()
    }

    fn node(fields: Value) -> Node {
        serde_json::from_value(fields).unwrap()
    }

    #[test]
    fn a_run_selects_its_nodes_and_no_tests_of_them() {
        let open = request(
            json!({ "threads": 3, "full_refresh": true, "vars": {"a": 1}, "target": "prod", "dbt_args": ["--empty"] }),
        );
        insta::assert_snapshot!(run(&open, "build", vec!["x".into(), "y".into()]).join(" "), @r#"build --log-format json --log-level info --no-send-anonymous-usage-stats --project-dir /p --target prod --vars {"a":1} --threads 3 --full-refresh --empty --indirect-selection empty --select x y"#);
        let test = run(&open, "test", vec!["x".into()]);
        assert!(!test.contains(&"--full-refresh".to_owned()));
    }

    #[test]
    fn selection_by_state_knows_the_folders_of_states_only() {
        let open = request(
            json!({ "debug": true, "dbt_args": ["--defer", "--state", "s", "--defer-state=d", "--empty"] }),
        );
        insta::assert_snapshot!(list(&open, "state", "modified").join(" "), @"ls --log-format json --log-level debug --no-send-anonymous-usage-stats --project-dir /p --state s --defer-state d --output json --output-keys unique_id --select state:modified");
    }

    #[test]
    fn folders_of_states_are_those_of_the_project() {
        let words = [
            "--state",
            "s",
            "--defer-state=/d",
            "--empty",
            "--defer-state=d",
        ];
        let words = words.map(str::to_owned);
        let made = with_whole_paths(&words, Path::new("/p"));
        insta::assert_snapshot!(made.join(" "), @"--state /p/s --defer-state=/d --empty --defer-state=/p/d");
    }

    #[test]
    fn a_selector_means_one_node() {
        let model = node(
            json!({ "resource_type": "model", "fqn": ["shop", "a b,c+*"], "original_file_path": "models/a b,c+*.sql" }),
        );
        assert_eq!(
            selector(&model, true),
            "fqn:shop.a?b?c??,resource_type:model,path:models/a?b?c??.sql"
        );
        assert_eq!(
            selector(&model, false),
            "fqn:shop.a?b?c??,resource_type:model"
        );
        let test = node(
            json!({ "resource_type": "unit_test", "fqn": ["shop", "m", "u"], "original_file_path": "models/s.yml" }),
        );
        assert_eq!(
            selector(&test, true),
            "fqn:shop.m.u,resource_type:unit_test"
        );
    }

    #[test]
    fn the_command_is_one_of_dbts() {
        let of = |command: &str| command_of(&request(json!({ "command": command }))).to_owned();
        assert_eq!(
            [of("hooks"), of("ls"), of("seed")],
            ["run", "build", "seed"]
        );
    }
}
