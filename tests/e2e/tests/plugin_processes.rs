//! Plugins in processes of their own, programs and isolated libraries, through the real program.

use std::{fs, os::unix::fs::PermissionsExt};

use fal_e2e::{Ended, Project, foreign_plugin, redact, workspace};
use rustix::process::Signal;
use serde_json::{Value, json};

const NUMBERS: &str = "# Numbers\n\n```python\norders = ref('stg_orders')\n```\n\nOnly the first ones.\n\n```python\n\
                       write_to_model(orders.sort_values('id').head(2))\n```\n";

/// A project with the Markdown example as its second notebook parser.
fn with_markdown(project: Project) -> Project {
    for file in ["markdown-models.fal-plugin", "fal_plugin.py"] {
        let source = workspace()
            .join("examples/plugins/markdown-models")
            .join(file);
        let target = project.path("plugins").join(file);
        fs::create_dir_all(project.path("plugins")).unwrap();
        fs::copy(source, target).unwrap();
    }
    let parsers = "plugins:\n  notebook-parser: [fal-notebook-parser, ./plugins/markdown-models.fal-plugin]\n";
    project
        .write("fal_project.yml", parsers)
        .write("models/first_orders.pymd", NUMBERS);
    project.run_host("plugin trust").expect(0);
    project
}

/// A plugin that is a program, with `fal_plugin.py` beside it.
fn program(project: &Project, code: &str) -> String {
    let path = project.home().join("acme.fal-plugin");
    fs::write(
        &path,
        format!("#!/usr/bin/env python3\nimport fal_plugin, os, sys, time\n{code}\n"),
    )
    .unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    let own = workspace().join("crates/fal-plugin/python/fal_plugin.py");
    fs::copy(own, project.home().join("fal_plugin.py")).unwrap();
    path.display().to_string()
}

fn parser(project: &Project, body: &str) -> String {
    let code = format!(
        "class Parser(fal_plugin.PythonParser):\n    def parse(self, path, text):\n        {body}\n\
         fal_plugin.serve('acme', '1.0.0', {{'python-parser': Parser}})"
    );
    format!("--plugin=python-parser={}", program(project, &code))
}

fn one_model() -> Project {
    let project = Project::bare();
    project.write("models/a.py", "write_to_model(ref('orders'))\n");
    project
}

#[track_caller]
fn refused(project: &Project, ended: &Ended) -> String {
    ended.expect(2);
    assert!(!project.has("models/fal/a.sql"), "{ended}");
    project.nothing_is_left();
    redact(&ended.stderr, project)
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn with_all_stages_in_processes_of_their_own_a_run_gives_the_same_stubs_and_tables() {
    let here = with_markdown(Project::copy_of("shop"));
    let apart = with_markdown(Project::copy_of("shop"));
    let config = apart.read("fal_project.yml") + "  isolate: true\n";
    apart.write("fal_project.yml", config);
    for project in [&here, &apart] {
        project.write(
            "models/staging/stg_orders.sql",
            "select id, customer, amount from {{ ref('raw_orders') }}",
        );
    }
    here.run("build").expect(0);
    apart.run("build").expect(0);
    apart.nothing_is_left();

    assert_eq!(here.results(), apart.results());
    let stubs = |project: &Project| {
        let stubs = ["first_orders", "ranks", "totals"];
        stubs.map(|stub| project.read(&format!("models/fal/{stub}.sql")))
    };
    assert_eq!(stubs(&here), stubs(&apart));
    assert_eq!(
        here.query("select id from first_orders order by id"),
        json!([[1], [2]])
    );
    let tables = [
        "main.doubled",
        "main.first_orders",
        "main.ranks",
        "main.totals",
        "main.report",
    ];
    assert_eq!(here.differences(&apart, &tables), json!({}));
}

/// The same cases as through the library, and those of the protocol.
#[test]
fn plugins_keep_their_contract_in_processes_of_their_own_too() {
    let project = Project::bare();
    let example = workspace()
        .join("examples/plugins/markdown-models/markdown-models.fal-plugin")
        .display()
        .to_string();
    for plugin in [
        "fal-python-parser",
        "fal-notebook-parser",
        "fal-stub-writer",
        "fal-dbt-backend",
        &example,
    ] {
        let ended = project.run_host(&[
            "plugin",
            "check",
            plugin,
            "--isolate-plugins",
            "--format",
            "json",
        ]);
        let report: Value =
            serde_json::from_str(&ended.expect(0).stdout).unwrap_or_else(|_| panic!("{ended}"));
        let cases = report["cases"].as_array().unwrap();
        let passed = |name: &str| {
            cases
                .iter()
                .any(|case| case["name"] == name && case["outcome"] == "passed")
        };
        for case in ["door/hello", "door/stages", "door/ends"] {
            assert!(passed(case), "{plugin}: {case}\n{report:#}");
        }
        assert!(
            cases
                .iter()
                .any(|case| case["name"] == "door/layout" && case["outcome"] == "skipped")
        );
    }
    project.nothing_is_left();
}

#[test]
fn a_program_is_found_listed_and_chosen_as_a_library_is() {
    let project = one_model();
    let code = "class Stubs(fal_plugin.StubWriter):\n    def folder(self): return 'acme'\n    \
                def render(self, request): return {'path': 'acme/a.sql', 'content': '-- acme'}\n    \
                def judge(self, request): return 'foreign'\n\
                fal_plugin.serve('acme', '1.0.0', {'stub-writer': Stubs}, description='Writes stubs')";
    program(&project, code);
    let with_path = |args: &[&str]| {
        let mut command = project.host(args);
        command.env("FAL_PLUGIN_PATH", project.home());
        project.finish(command)
    };
    let listed = with_path(&["plugin", "list", "--output", "json"]);
    let listed: Value = serde_json::from_str(&listed.expect(0).stdout).unwrap();
    let row = listed["rows"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["name"] == "acme")
        .unwrap();
    assert_eq!(
        (&row["stages"], &row["description"]),
        (&json!(["stub-writer"]), &json!("Writes stubs"))
    );
    with_path(&["generate", "--plugin=stub-writer=acme"])
        .expect(0)
        .says("Wrote models/acme/a.sql");
    project.nothing_is_left();
}

#[test]
fn what_goes_wrong_in_a_program_ends_the_command_with_its_name() {
    let project = one_model();
    let said = |body: &str| {
        refused(
            &project,
            &project.run_host(&["generate", &parser(&project, body)]),
        )
    };
    insta::assert_snapshot!(said("print('no memory', file=sys.stderr, flush=True); os._exit(3)"), @r"
    error: the python parser failed on models/a.py: the plugin `acme` ended in `parse`: exit code 3 [plugin::ended]
      Its last lines on standard error:
        no memory
    help: this is a fault of the plugin: `fal-host plugin check` finds more of them; report it to its author, or choose another with `--plugin`
    ");
    let ended = project.run_host(&[
        "generate",
        &format!(
            "--plugin=python-parser={}",
            program(&project, "print('Loading', flush=True)")
        ),
    ]);
    insta::assert_snapshot!(refused(&project, &ended), @r"
    error: the plugin `acme.fal-plugin` wrote to its standard output text that is not a frame: `Loading` (`HOME/acme.fal-plugin`) [plugin::load]
    help: standard output carries the protocol: print to standard error (with fal_plugin.py: print only once `serve` runs)
    ");
}

#[test]
fn a_plugin_that_hangs_ends_the_command_in_time_whatever_it_is() {
    let project = one_model();
    project.write("fal_project.yml", "plugins: {timeout: 2}\n");
    let ended = project.run_host(&["generate", &parser(&project, "time.sleep(1000)")]);
    insta::assert_snapshot!(refused(&project, &ended), @r"
    error: the python parser failed on models/a.py: the plugin `acme` timed out after 2 s in `parse`, and was ended [plugin::timeout]
    help: if it is only slow, raise `plugins: timeout:` in fal_project.yml
    ");
    // A library that hangs with a model of many dependencies.
    let refs: String = (0..300)
        .map(|number| format!("ref('m{number}')\n"))
        .collect();
    project.write("models/a.py", format!("{refs}write_to_model(1)\n"));
    let library = format!(
        "--plugin=stub-writer={}",
        foreign_plugin("acme-misbehaves").display()
    );
    let hangs = |flags: &[&str]| {
        let mut command = project.host(&["generate", &library]);
        command.args(flags).env("ACME_FAULT", "hangs");
        refused(&project, &project.finish(command))
    };
    insta::assert_snapshot!(hangs(&[]), @r"
    error: the plugin `acme-misbehaves` timed out after 2 s in `render` [plugin::timeout]
    help: a library cannot be interrupted, so the command ends here. If the plugin is only slow, raise `plugins: timeout:` in fal_project.yml; with `--isolate-plugins` it runs in a separate process
    ");
    insta::assert_snapshot!(hangs(&["--isolate-plugins"]), @r"
    error: the stub writer failed on models/a.py: the plugin `acme-misbehaves` timed out after 2 s in `render`, and was ended [plugin::timeout]
    help: if it is only slow, raise `plugins: timeout:` in fal_project.yml
    ");
}

#[test]
fn trust_in_a_program_covers_the_python_files_beside_it() {
    let project = with_markdown(Project::bare());
    project.write("models/stg_orders.sql", "select 1 as id");
    project
        .run_host("generate")
        .expect(0)
        .says("Wrote models/fal/first_orders.sql");
    project.write(
        "plugins/json.py",
        "raise SystemExit('not what was trusted')",
    );
    project.run_host("generate").expect(2).says("not trusted");
}

const STUBS: &str = r#"
import hashlib

def sealed(body):
    return "-- acme " + hashlib.md5(body.encode()).hexdigest() + "\n" + body

class Stubs(fal_plugin.StubWriter):
    def folder(self):
        return "acme"
    def render(self, request):
        MISDEED
        if not all(part not in ("", ".", "..") for part in request["path"].split("/")):
            raise fal_plugin.PluginError("acme::path", "this is no path of a model")
        refs = "".join("-- {{ %s }}\n" % one["text"] for one in request["dependencies"])
        return {"path": "acme/" + request["path"].rpartition(".")[0] + ".sql", "content": sealed(refs)}
    def judge(self, request):
        body = request["content"].partition("\n")[2]
        ours = request["content"] == sealed(body)
        return "ours" if ours else "edited" if "-- acme " in request["content"] else "foreign"
"#;

#[test]
fn a_check_finds_each_fault_of_a_program_and_goes_on_behind_it() {
    let project = one_model();
    let failures = |code: &str| -> Value {
        let path = program(&project, code);
        let ended = project.run_host(&[
            "plugin",
            "check",
            &path,
            "--format",
            "json",
            "--timeout",
            "3",
        ]);
        let report: Value =
            serde_json::from_str(&ended.expect(2).stdout).unwrap_or_else(|_| panic!("{ended}"));
        let cases = report["cases"].as_array().unwrap().iter();
        let failed = cases.filter(|case| case["outcome"] == "failed" && case["need"] == "required");
        failed
            .map(|case| json!([case["name"], case["reason"]]))
            .collect()
    };
    let stubs = |misdeed: &str, rest: &str| {
        let writer = STUBS.replace("MISDEED", misdeed);
        format!(
            "{writer}\n{rest}\nfal_plugin.serve('acme', '1.0.0', {{'stub-writer': Stubs}}, description='Writes stubs')"
        )
    };
    let many = "len(request['dependencies']) > 100";
    assert_eq!(
        failures(&stubs(&format!("if {many}: os._exit(4)"), "")),
        json!([[
            "stub-writer/dependencies",
            "the plugin `acme` ended: exit code 4"
        ]])
    );
    assert_eq!(
        failures(&stubs(&format!("if {many}: time.sleep(1000)"), "")),
        json!([[
            "stub-writer/dependencies",
            "the plugin `acme` timed out after 3 s in `render`, and was ended"
        ]])
    );
    let never_ends = "import threading\nfal_plugin._Server._end_with_host = lambda self: None\nfal_plugin.os._exit = lambda code: time.sleep(1000)";
    assert_eq!(
        failures(&stubs("", never_ends)),
        json!([["door/ends", "it was still there 2 s later, and was killed"]])
    );
    let mute = failures("time.sleep(1000)");
    assert_eq!(mute[0][0], "door/hello", "{mute}");
}

#[test]
fn a_check_that_is_interrupted_leaves_no_program() {
    let project = one_model();
    // It never looks whether its standard input has ended.
    let path = program(&project, "open('started', 'w').close()\ntime.sleep(1000)");
    let mut running = project.spawn(project.host(&["plugin", "check", &path]));
    running.wait_until("the program runs", || project.has("started").then_some(()));
    running.signal(Signal::INT);
    running.wait().expect(130);
    project.nothing_is_left();
}
