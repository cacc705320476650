//! The tools around dbt, as their users install them, over the example: each in a separate environment.

use std::{env, path::PathBuf, process::Command};

use fal_e2e::{Ended, Project, host, workspace};
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
        let mut command = Command::new(bin.join(program));
        let path = env::var("PATH").unwrap_or_default();
        command
            .args(words)
            .current_dir(self.project.root())
            .env("PATH", format!("{}:{path}", bin.display()))
            .env("HOME", self.project.home())
            .env("VIRTUAL_ENV", self.folder())
            .env("FAL_HOST", host())
            .env("FAL_TEST_PROJECT", self.project.root())
            .env("DO_NOT_TRACK", "1");
        command
    }

    /// Runs a Python file of `tests/ecosystem`, and reads what it found.
    fn result_of(&self, file: &str, words: &[&str], variables: &[(&str, &str)]) -> Value {
        let file = workspace().join("tests/ecosystem").join(file);
        let file = file.display().to_string();
        let mut command = self.command("python", &[&[&*file], words].concat());
        command.envs(variables.iter().copied());
        let ended = self.project.finish(command);
        let line = ended
            .expect(0)
            .stdout
            .lines()
            .rev()
            .find_map(|line| line.strip_prefix("RESULT "));
        serde_json::from_str(line.unwrap_or_else(|| panic!("no result\n{ended}"))).unwrap()
    }

    fn host(&self, words: &str) -> Ended {
        let mut command = self.command("python", &[]);
        command = {
            let mut host = Command::new(host());
            host.args(words.split(' ')).current_dir(self.project.root());
            for (name, value) in command.get_envs() {
                host.env(name, value.unwrap_or_default());
            }
            host
        };
        self.project.finish(command)
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
    let result = tool.result_of("dagster_assets.py", &["parse"], &[]);
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
    tool.host("ls -q").expect(0);
    let home = tool.project.home().join("airflow");
    let home = home.display().to_string();
    let dags = workspace().join("tests/ecosystem");
    let variables = |load| {
        [
            ("AIRFLOW_HOME", home.clone()),
            ("AIRFLOW__CORE__LOAD_EXAMPLES", "False".to_owned()),
            ("AIRFLOW__CORE__DAGS_FOLDER", dags.display().to_string()),
            ("AIRFLOW__COSMOS__ENABLE_TELEMETRY", "False".to_owned()),
            ("AIRFLOW__COSMOS__ENABLE_CACHE", "False".to_owned()),
            ("FAL_TEST_LOAD", str::to_owned(load)),
            ("PYTHONPATH", dags.display().to_string()),
        ]
    };
    let tasks = |load| {
        let variables = variables(load);
        let variables: Vec<_> = variables
            .iter()
            .map(|(name, value)| (*name, &**value))
            .collect();
        tool.result_of("cosmos_tasks.py", &[], &variables)
    };
    let by_manifest = tasks("manifest");
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
    assert_eq!(tasks("ls"), by_manifest, "the same by `dbt ls`");

    for words in ["db migrate", "dags test shop"] {
        let words: Vec<_> = words.split(' ').collect();
        let mut command = tool.command("airflow", &words);
        command.envs(variables("manifest"));
        tool.project.finish(command).expect(0);
    }
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
    let result = tool.result_of("prefect_flow.py", &[], &variables);
    assert_eq!(result["success"], true);
    tool.made_what_fal_host_makes();
}

#[test]
#[ignore = "needs the tools: cargo xtask test --only ecosystem"]
fn readers_of_artifacts_and_linters_know_the_project() {
    let tool = Tool::over_the_example("tools");
    tool.host("build").expect(0);
    let read = tool.result_of("artifacts.py", &[], &[]);
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
    let git = |folder: &std::path::Path| {
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
        let mut command = tool.command("pre-commit", &words);
        let host = host();
        let path = command
            .get_envs()
            .find(|(name, _)| *name == "PATH")
            .and_then(|(_, path)| path);
        let path = format!(
            "{}:{}",
            host.parent().unwrap().display(),
            path.unwrap().display()
        );
        command.env("PATH", path);
        tool.project.finish(command)
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
