//! dbt.log: where it is, what is in it, and who decides, as with dbt.

use fal_e2e::Project;

fn project() -> Project {
    let project = Project::bare();
    project.write("models/a.sql", "select 1 as id");
    project.write("models/p.py", "write_to_model(ref('a'))\n");
    project
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn commands_that_run_nodes_log_to_dbt_s_file() {
    let project = project();
    project
        .run("run")
        .expect(0)
        .never_says("On model.shop.a: ")
        .never_says("Running with dbt=");
    let log = project.read("logs/dbt.log");
    for part in [
        "[info ] [dbt       ]: Running with dbt=",
        "[debug] ",
        "On model.shop.a: ",
        "model.shop.p: success SELECT 1 in ",
        "Done. PASS=2",
    ] {
        assert!(log.contains(part), "{part}:\n{log}");
    }
    project.write("models/p.py", "write_to_model(ref('a')['nothing'])\n");
    project.run("build").expect(1);
    let longer = project.read("logs/dbt.log");
    assert!(longer.starts_with(&log), "dbt appends");
    assert!(longer.contains("KeyError: 'nothing'"), "{longer}");
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn the_log_goes_where_flag_variable_and_project_say() {
    // Flag, variable, a line of dbt_project.yml; the folder that gets the log.
    let cases = [
        ("", "", "", "logs"),
        ("", "", "log-path: of_project", "of_project"),
        ("", "DBT_LOG_PATH=of_env", "log-path: of_project", "of_env"),
        (
            "--log-path of_flag",
            "DBT_LOG_PATH=of_env",
            "log-path: of_project",
            "of_flag",
        ),
        ("--log-level-file none", "", "", ""),
        ("", "DBT_LOG_LEVEL_FILE=none", "", ""),
        ("", "", "flags: {log_level_file: none}", ""),
        // As in dbt, the level of the terminal counts for the file if nothing else is said.
        ("--log-level none", "", "", ""),
        ("--log-level none --log-level-file info", "", "", "logs"),
        (
            "--log-level-file debug",
            "DBT_LOG_LEVEL_FILE=none",
            "",
            "logs",
        ),
    ];
    for (flag, variable, line, expected) in cases {
        let project = project();
        if !line.is_empty() {
            let text = project.read("dbt_project.yml");
            project.write("dbt_project.yml", format!("{text}\n{line}\n"));
        }
        let mut command = project.host_with_dbt(format!("run --select p {flag}").trim());
        if let Some((name, value)) = variable.split_once('=') {
            command.env(name, value);
        }
        // `a` is not there.
        project.finish(command).expect(1);
        let found: Vec<_> = ["logs", "of_project", "of_env", "of_flag"]
            .into_iter()
            .filter(|folder| project.has(&format!("{folder}/dbt.log")))
            .collect();
        assert_eq!(found.join(" "), expected, "{flag} {variable} {line}");
    }
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn a_log_that_is_full_is_kept_under_another_name() {
    let project = project();
    for _ in 0..2 {
        project.run("run --log-file-max-bytes 4000").expect(0);
    }
    assert!(project.has("logs/dbt.log.1"));
    assert!(project.read("logs/dbt.log.1").len() <= 4000);
}
