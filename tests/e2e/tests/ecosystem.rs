//! The tools around dbt, as their users install them, over the example: each in a separate environment.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use fal_e2e::{Ended, Page, Project, host, workspace};
use serde_json::{Value, json};

/// The tables of the example that another way to run it must make.
const TABLES: &str = "main.customers main.orders main.daily_orders main.customer_segments main.order_forecast main.segment_summary main.segment_outlook";

/// An environment that `cargo xtask test --only ecosystem` makes.
struct Tool {
    name: &'static str,
    project: Project,
}

impl Tool {
    fn over_the_example(name: &'static str) -> Self {
        let project = Project::copy_of_folder(&PathBuf::from("examples/jaffle_shop"));
        Self { name, project }
    }

    fn folder(&self) -> PathBuf {
        let all = env::var_os("FAL_TEST_ECOSYSTEM").expect(
            "this test needs FAL_TEST_ECOSYSTEM: `cargo xtask test --only ecosystem` sets it and runs these tests",
        );
        PathBuf::from(all).join(format!("ecosystem-{}-venv", self.name))
    }

    /// A program of the environment, which finds fal-host, and through it this environment's dbt.
    fn command(&self, program: &str, words: &[&str]) -> Command {
        let bin = self.folder().join("bin");
        self.in_environment(&bin.join(program), words)
    }

    fn in_environment(&self, program: &Path, words: &[&str]) -> Command {
        let (bin, host) = (self.folder().join("bin"), host());
        let path = env::var("PATH").unwrap_or_default();
        let folders = [&*bin, host.parent().unwrap()].map(|folder| folder.display().to_string());
        let mut command = Command::new(program);
        command
            .args(words)
            .current_dir(self.project.root())
            .env("PATH", format!("{}:{path}", folders.join(":")))
            .env("HOME", self.project.home())
            .env("VIRTUAL_ENV", self.folder())
            .env("PYTHONPATH", self.project.root())
            .env("DO_NOT_TRACK", "1");
        command
    }

    /// Writes a file that the documentation shows into the project.
    fn write_shown(&self, file: &str) {
        let page = Page::read("docs/guide/orchestrators.md");
        let mut blocks = page.blocks.iter();
        let block = blocks.find(|block| {
            block
                .file()
                .is_some_and(|name| name.trim_matches(',') == file)
        });
        let text = &block.unwrap_or_else(|| panic!("no {file}")).text;
        let here = self.project.root().display().to_string();
        self.project
            .write(file, text.replace("/srv/jaffle_shop", &here));
    }

    /// Runs a Python file of `tests/ecosystem`, and reads what it found.
    fn result_of(&self, file: &str, variables: &[(&str, &str)]) -> Value {
        let file = workspace().join("tests/ecosystem").join(file);
        let mut command = self.command("python", &[&file.display().to_string()]);
        command.envs(variables.iter().copied());
        let ended = self.project.finish(command);
        let mut lines = ended.expect(0).stdout.lines().rev();
        let line = lines.find_map(|line| line.strip_prefix("RESULT "));
        serde_json::from_str(line.unwrap_or_else(|| panic!("no result\n{ended}"))).unwrap()
    }

    fn host(&self, words: &str) -> Ended {
        let words: Vec<_> = words.split(' ').collect();
        self.project.finish(self.in_environment(&host(), &words))
    }

    /// Compares the tables with those that `fal-host build` makes.
    fn made_what_fal_host_makes(&self) {
        let other = Self::over_the_example(self.name);
        other.host("build").expect(0);
        let differences = self.project.differences(&other.project, TABLES);
        assert_eq!(differences, json!({}), "{}", self.name);
    }
}

#[test]
#[ignore = "needs the tools: cargo xtask test --only ecosystem"]
fn dagster_has_every_asset_with_its_parents_and_materializes_all() {
    let tool = Tool::over_the_example("dagster");
    tool.write_shown("definitions.py");
    let result = tool.result_of("dagster_run.py", &[]);
    let parents = result["parents"].as_object().unwrap();
    assert_eq!(parents.len(), 13, "{result:#}");
    assert_eq!(parents["customer_segments"], json!(["customers"]));
    assert_eq!(parents["order_forecast"], json!(["daily_orders"]));
    assert_eq!(
        parents["segment_outlook"],
        json!(["customer_segments", "order_forecast", "orders"])
    );
    assert_eq!(result["success"], true);
    let mut all: Vec<_> = parents.keys().collect();
    all.sort_unstable();
    assert_eq!(result["made"], json!(all));
    assert_eq!(
        (&result["checks"], &result["passed"]),
        (&json!(35), &json!(35))
    );
}

#[test]
#[ignore = "needs the tools: cargo xtask test --only ecosystem"]
fn cosmos_runs_python_models_as_tasks() {
    let tool = Tool::over_the_example("cosmos");
    // Tasks run in a copy of the project, so the database has an absolute path.
    let database = tool
        .project
        .path("jaffle_shop.duckdb")
        .display()
        .to_string();
    let profiles = tool.project.read("profiles.yml");
    tool.project.write(
        "profiles.yml",
        profiles.replace("path: jaffle_shop.duckdb", &format!("path: {database}")),
    );
    tool.host("parse").expect(0);
    tool.write_shown("dag.py");
    let home = tool.project.home().join("airflow").display().to_string();
    let dags = tool.project.root().display().to_string();
    let variables = [
        ("AIRFLOW_HOME", &*home),
        ("AIRFLOW__CORE__LOAD_EXAMPLES", "False"),
        ("AIRFLOW__CORE__DAGS_FOLDER", &dags),
        ("AIRFLOW__COSMOS__ENABLE_TELEMETRY", "False"),
        ("AIRFLOW__COSMOS__ENABLE_CACHE", "False"),
    ];
    let by_manifest = tool.result_of("cosmos_tasks.py", &variables);
    for model in ["customer_segments", "order_forecast"] {
        let task = &by_manifest[format!("{model}_run")];
        assert_eq!(task[0], "DbtRunLocalOperator", "{by_manifest:#}");
    }
    let parents = ["customer_segments_run", "order_forecast_run", "orders_run"];
    assert_eq!(by_manifest["segment_outlook_run"][1], json!(parents));
    let empty = |tasks: &Value| {
        tasks
            .as_object()
            .unwrap()
            .values()
            .filter(|task| task[0] == "EmptyOperator")
            .count()
    };
    assert_eq!(empty(&by_manifest), 0, "{by_manifest:#}");
    for words in ["db migrate", "dags test jaffle_shop"] {
        let words: Vec<_> = words.split(' ').collect();
        let mut command = tool.command("airflow", &words);
        command.envs(variables);
        // Each of the 14 tasks starts fal-host.
        let ended = tool
            .project
            .spawn(command)
            .wait_within(Duration::from_secs(600));
        ended.expect(0);
    }
    let dag = tool.project.read("dag.py");
    let by_list = dag.replace("LoadMode.DBT_MANIFEST", "LoadMode.DBT_LS");
    tool.project.write(
        "dag.py",
        by_list.replace("manifest_path=", "# manifest_path="),
    );
    assert_eq!(
        tool.result_of("cosmos_tasks.py", &variables),
        by_manifest,
        "the same by `ls`"
    );
    tool.made_what_fal_host_makes();
}

#[test]
#[ignore = "needs the tools: cargo xtask test --only ecosystem"]
fn prefect_builds_the_example_in_a_flow() {
    let tool = Tool::over_the_example("prefect");
    let home = tool.project.home().join("prefect").display().to_string();
    let variables = [
        ("PREFECT_HOME", &*home),
        ("PREFECT_SERVER_ANALYTICS_ENABLED", "false"),
        ("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "180"),
    ];
    tool.write_shown("flow.py");
    let mut command = tool.command("python", &["flow.py"]);
    command.envs(variables);
    tool.project.finish(command).expect(0);
    tool.made_what_fal_host_makes();
}

#[test]
#[ignore = "needs the tools: cargo xtask test --only ecosystem"]
fn classes_of_opentelemetry_and_openlineage_read_what_a_run_sends() {
    let tool = Tool::over_the_example("telemetry");
    tool.host("seed").expect(0);
    let result = tool.result_of("telemetry.py", &[]);
    let path = |name: &str| format!("jaffle_shop.main.{name}");
    let job = |name: &str| &result["lineage"][format!("jaffle_shop.main.jaffle_shop.{name}")];
    for (model, inputs) in [
        ("stg_orders", vec!["raw_orders"]),
        ("orders", vec!["stg_orders", "stg_payments"]),
        ("customer_segments", vec!["customers"]),
        ("order_forecast", vec!["daily_orders"]),
        ("segment_summary", vec!["customer_segments"]),
        (
            "segment_outlook",
            vec!["customer_segments", "order_forecast", "orders"],
        ),
    ] {
        let inputs: Vec<_> = inputs.into_iter().map(path).collect();
        assert_eq!(job(model), &json!([inputs, [path(model)]]), "{model}");
    }
    assert!(result["lineage"]["dbt-run-jaffle_shop"].is_array());
    let parent = |name: &str| result["spans"][name].as_str().unwrap_or("no such span");
    assert_eq!(parent("model customer_segments"), "run jaffle_shop");
    assert_eq!(parent("read customers"), "compute");
    assert_eq!(parent("run jaffle_shop"), "");
}

#[test]
#[ignore = "needs the tools: cargo xtask test --only ecosystem"]
fn the_commands_for_github_and_cron_run() {
    let tool = Tool::over_the_example("tools");
    for file in ["jaffle_shop.yml", "crontab.txt"] {
        tool.write_shown(file);
    }
    let workflow = tool.project.read("jaffle_shop.yml");
    let steps = workflow
        .lines()
        .filter_map(|line| line.split_once("- run: "));
    let steps: Vec<_> = steps.map(|(_, command)| command.to_owned()).collect();
    assert_eq!(steps.len(), 3);
    let crontab = tool.project.read("crontab.txt");
    let at_night = crontab
        .lines()
        .last()
        .unwrap()
        .split_once("  ")
        .unwrap()
        .1
        .to_owned();
    for command in steps.iter().chain([&at_night]) {
        let shell = tool.in_environment(Path::new("sh"), &["-c", command]);
        tool.project.finish(shell).expect(0);
    }
    assert!(
        tool.project
            .read("build.jsonl")
            .contains("MainReportVersion")
    );
}

#[test]
#[ignore = "needs the tools: cargo xtask test --only ecosystem"]
fn readers_of_artifacts_and_linters_know_the_project() {
    let tool = Tool::over_the_example("tools");
    tool.host("build").expect(0);
    let read = tool.result_of("artifacts.py", &[]);
    let relation = |name: &str| {
        json!([
            "table",
            "python",
            format!("\"jaffle_shop\".\"main\".\"{name}\"")
        ])
    };
    assert_eq!(
        read,
        json!({
            "models": {
                "customer_segments": relation("customer_segments"),
                "order_forecast": relation("order_forecast"),
            },
            "results": 48,
        })
    );
    tool.host("docs generate").expect(0);
    let coverage = tool.command("dbt-coverage", &["compute", "doc"]);
    let coverage = tool.project.finish(coverage);
    for line in [
        "main.customer_segments                                 3/5      60.0%",
        "main.order_forecast                                    4/4     100.0%",
    ] {
        coverage.expect(0).says(line);
    }
    tool.project.write(
        ".sqlfluff",
        "[sqlfluff]\ntemplater = dbt\ndialect = duckdb\nrules = LT12\n[sqlfluff:templater:dbt]\nproject_dir = .\nprofiles_dir = .\n",
    );
    let lint = tool.command("sqlfluff", &["lint", "models/marts/segment_summary.sql"]);
    tool.project.finish(lint).expect(0);
}

#[test]
#[ignore = "needs the tools: cargo xtask test --only ecosystem"]
fn pre_commit_runs_the_check_of_this_repository_over_changed_files() {
    let tool = Tool::over_the_example("tools");
    // pre-commit takes the hook from a repository; this one has the file alone.
    let hooks = tool.project.home().join("hooks");
    std::fs::create_dir_all(&hooks).unwrap();
    std::fs::copy(
        workspace().join(".pre-commit-hooks.yaml"),
        hooks.join(".pre-commit-hooks.yaml"),
    )
    .unwrap();
    let git = |folder: &Path| {
        let script = "git init -q && git add -A && git -c user.name=t -c user.email=t@example.com commit -qm all";
        let mut command = Command::new("sh");
        command.args(["-c", script]).current_dir(folder);
        tool.project.finish(command).expect(0);
    };
    git(&hooks);
    git(&tool.project.root());
    let run = || {
        let hooks = hooks.display().to_string();
        let words = [
            "try-repo",
            &hooks,
            "fal-host-check",
            "--verbose",
            "--all-files",
        ];
        tool.project.finish(tool.command("pre-commit", &words))
    };
    run().expect(0).says("nothing to complain of");
    tool.project.write(
        "models/ml/twice.py",
        "write_to_model(1)\nwrite_to_model(2)\n",
    );
    let mut add = Command::new("git");
    add.args(["add", "-A"]).current_dir(tool.project.root());
    tool.project.finish(add).expect(0);
    run().expect(1).says("models/ml/twice.py");
}
