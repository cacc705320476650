//! Where the user may write flags, and which one wins.

use std::path::PathBuf;

use serde_json::Value;

use super::*;

fn parsed(line: &str) -> Cli {
    let words = std::iter::once("fal-host").chain(line.split_whitespace());
    Cli::parse_words(words).unwrap_or_else(|error| panic!("{line}: {error}"))
}

fn run(line: &str) -> RunArgs {
    match parsed(line).command {
        Command::Run(run) | Command::Flow(FlowCommand::Run(run)) => run,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_command_line_is_consistent() {
    Cli::full_command().debug_assert();
}

/// What is not shown is the default.
fn shown(line: &str) -> String {
    let (cli, run) = (parsed(line), run(line));
    let args = cli.global.project_args();
    let session = args.session;
    let text = |name: &str, value: Option<String>| value.map(|value| format!("{name}={value}"));
    let path = |path: Option<PathBuf>| path.map(|path| path.display().to_string());
    let vars = (!session.vars.is_empty()).then(|| Value::Object(session.vars).to_string());
    [
        text("project-dir", path(args.project_dir)),
        text("profiles-dir", path(cli.global.profiles_dir.clone())),
        text("profile", session.profile),
        text("target", session.target),
        text("target-path", path(args.target_path)),
        text("vars", vars),
        text("threads", session.threads.map(|n| n.to_string())),
        text(
            "keyword",
            Some(session.keyword).filter(|keyword| keyword != "fal"),
        ),
        text(
            "select",
            (!run.select.select.is_empty()).then(|| run.select.select.join("|")),
        ),
        text("runner", run.runner.runner),
        run.refresh.full_refresh.then(|| "full-refresh".to_owned()),
        cli.global
            .legacy
            .disable_logging
            .then(|| "disable-logging".to_owned()),
        text(
            "dbt",
            (!run.select.dbt_args().is_empty()).then(|| run.select.dbt_args().join(" ")),
        ),
    ]
    .into_iter()
    .flatten()
    .collect::<Vec<_>>()
    .join(", ")
}

/// Each flag: behind the command, ahead of it, between its words, and twice.
#[test]
fn flags_may_stand_anywhere_and_the_right_most_wins() {
    let flags = [
        ("--project-dir a", "--project-dir b", "project-dir=b"),
        ("--profiles-dir a", "--profiles-dir b", "profiles-dir=b"),
        ("--profile a", "--profile=b", "profile=b"),
        ("--target a", "-t b", "target=b"),
        ("--target-path a", "--target-path b", "target-path=b"),
        ("--vars {\"x\":1}", "--vars {\"y\":2}", "vars={\"y\":2}"),
        ("--threads 1", "--threads 2", "threads=2"),
        ("--keyword a", "--keyword b", "keyword=b"),
        ("--state /a", "--state /b", "dbt=--state /b"),
        (
            "--defer-state /a",
            "--defer-state /b",
            "dbt=--defer-state /b",
        ),
        ("--no-defer", "--defer", "dbt=--defer"),
        ("--defer", "--no-defer", "dbt=--no-defer"),
        ("--no-favor-state", "--favor-state", "dbt=--favor-state"),
        ("--favor-state", "--no-favor-state", "dbt=--no-favor-state"),
        ("--runner a", "--runner=./b", "runner=./b"),
        ("--full-refresh", "-f", "full-refresh"),
        ("--disable-logging", "--disable-logging", "disable-logging"),
        (
            "--experimental-threads 3",
            "--experimental-threads 4",
            "threads=4",
        ),
        (
            "--experimental-threads 3 --threads 5",
            "--experimental-threads 4",
            "threads=5",
        ),
        ("--experimental-flow", "--experimental-models", ""),
    ];
    for (first, last, expected) in flags {
        for line in [
            format!("flow run {first} {last}"),
            format!("{first} {last} flow run"),
            format!("{first} flow run {last}"),
            format!("{first} flow {last} run"),
            format!("flow {first} run {last}"),
            format!("{first} run {last}"),
            format!("flow run {last}"),
            format!("{last} flow run"),
        ] {
            let expected = if line.contains("--threads 5") || !first.contains("--threads 5") {
                expected
            } else {
                "threads=4"
            };
            assert_eq!(shown(&line), expected, "{line}");
        }
    }
}

#[test]
fn selections_add_up_wherever_they_stand() {
    assert_eq!(
        run("--select a b flow run --models c -m d").select.select,
        ["a", "b", "c", "d"]
    );
    assert_eq!(run("run --exclude x --select a+ @b").select.exclude, ["x"]);
}

#[test]
fn a_command_line_of_legacy_fal_is_accepted() {
    let line = "--disable-logging --keyword fal2 flow run --experimental-flow --experimental-models \
        --experimental-threads 4 --profiles-dir /p --project-dir /d --defer --state /s --models a b";
    assert_eq!(
        shown(line),
        "project-dir=/d, profiles-dir=/p, threads=4, keyword=fal2, select=a|b, disable-logging, \
         dbt=--state /s --defer"
    );
}

#[test]
fn the_format_of_errors_is_known_of_a_line_that_is_wrong() {
    let format = |line: &str| {
        let words = line.split_whitespace().map(Into::into);
        LogFormat::guess(&words.collect::<Vec<OsString>>())
    };
    let lines = [
        ("fal-host rnu --log-format json", LogFormat::Json),
        ("fal-host --log-format=json run --tarket", LogFormat::Json),
        (
            "fal-host run --log-format json --log-format text x",
            LogFormat::Text,
        ),
        ("fal-host rnu json", LogFormat::Text),
    ];
    for (line, expected) in lines {
        assert_eq!(format(line), expected, "{line}");
    }
}
