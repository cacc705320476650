//! Plugins that came into an environment by pip: beside fal-host they are found, in the project's environment they need
//! trust, and none takes a name of fal-host's.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use fal_e2e::{Ended, Environment, PLUGINS, Project, foreign_plugin, host, redact, wheel};
use serde_json::{Value, json};

/// A project with a Python model, whose stub the plugin of this name writes.
fn project(stub_writer: &str) -> Project {
    let project = Project::bare();
    project.write("models/a.py", "write_to_model(ref('orders'))\n");
    project.write("models/orders.sql", "select 1 as id");
    project.write(
        "fal_project.yml",
        format!("plugins:\n  stub-writer: {stub_writer}\n"),
    );
    project
}

/// The wheel of a package with the library `acme-stages`, at another name.
fn wheel_with(project: &Project, package: &str, library: &str) -> PathBuf {
    let files = [(
        foreign_plugin("acme-stages"),
        format!("data/{PLUGINS}/{library}"),
    )];
    wheel(&project.home().join("wheels"), package, "1.2", &files)
}

/// fal-host of an environment.
fn run_in(project: &Project, environment: &Environment, words: &str) -> Ended {
    run(project, environment.path("bin/fal-host"), words)
}

fn run(project: &Project, program: PathBuf, words: &str) -> Ended {
    let configured = project.host(words);
    let mut command = Command::new(program);
    command
        .args(configured.get_args())
        .current_dir(project.root());
    for (name, value) in configured.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    project.finish(command)
}

/// `plugin list` of those whose file is called so: state, name, version, packages.
fn listed(ended: &Ended, file: &str) -> Vec<Value> {
    let listing: Value = serde_json::from_str(&ended.expect(0).stdout).unwrap();
    let rows = listing["rows"].as_array().unwrap().iter();
    let named = rows.filter(|row| row["path"].as_str().unwrap().ends_with(file));
    named
        .map(|row| json!([row["state"], row["name"], row["version"], row["packages"]]))
        .collect()
}

const LIST: &str = "plugin list --output json";

#[test]
#[ignore = "needs FAL_TEST_DBT_PYTHON"]
fn a_plugin_in_the_environment_of_fal_host_is_found_with_its_package() {
    let project = project("acme-stages");
    let environment = Environment::new(project.home().join("tool")).with_host();
    environment.install(&wheel_with(&project, "acme-stubs", "libacme_stages.so"));
    run_in(&project, &environment, "generate")
        .expect(0)
        .says("Wrote models/acme/a.sql");
    let list = run_in(&project, &environment, LIST);
    let of = |package: &str, version: &str| json!([{"name": package, "version": version}]);
    assert_eq!(
        listed(&list, "libacme_stages.so"),
        [json!([
            "ok",
            "acme-stages",
            "0.3.0",
            of("acme-stubs", "1.2")
        ])]
    );
    assert_eq!(
        listed(&list, "libfal_stub_writer.so"),
        [json!([
            "ok",
            "fal-stub-writer",
            "0.1.0",
            of("fal-host", "0.1.0")
        ])]
    );
    run_in(&project, &environment, "plugin list")
        .expect(0)
        .says("    package: acme-stubs 1.2\n");
}

/// `env python3` in its first line is the environment's Python, which has what its package requires.
#[test]
#[ignore = "needs FAL_TEST_DBT_PYTHON"]
fn a_program_in_the_environment_of_fal_host_runs_with_its_python() {
    let project = project("acme");
    let environment = Environment::new(project.home().join("tool")).with_host();
    let code = "#!/usr/bin/env python3\nimport sys, fal_plugin\nclass Stubs(fal_plugin.StubWriter):\n    \
                def folder(self): return 'acme'\n    \
                def render(self, request): return {'path': 'acme/a.sql', 'content': '-- ' + sys.prefix}\n    \
                def judge(self, request): return 'foreign'\n\
                fal_plugin.serve('acme', '1.0.0', {'stub-writer': Stubs})\n";
    let (program, module) = (project.home().join("acme"), fal_e2e::workspace());
    fs::write(&program, code).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let files = [
        (program, format!("data/{PLUGINS}/acme/acme.fal-plugin")),
        (
            module.join("crates/fal-plugin/python/fal_plugin.py"),
            format!("data/{PLUGINS}/acme/fal_plugin.py"),
        ),
    ];
    environment.install(&wheel(
        &project.home().join("wheels"),
        "acme",
        "1.0",
        &files,
    ));
    run_in(&project, &environment, "generate").expect(0);
    let folder = environment.folder.canonicalize().unwrap();
    assert_eq!(
        project.read("models/acme/a.sql"),
        format!("-- {}", folder.display())
    );
    project.nothing_is_left();
}

#[test]
#[ignore = "needs FAL_TEST_DBT_PYTHON"]
fn a_wheel_with_a_name_of_fal_host_is_refused() {
    let project = project("fal-stub-writer");
    let environment = Environment::new(project.home().join("tool")).with_host();
    let host = environment.path(PLUGINS).join("libfal_stub_writer.so");
    environment.install(&wheel_with(&project, "acme-stubs", "libfal_stub_writer.so"));
    let ended = run_in(&project, &environment, "generate");
    insta::assert_snapshot!(redact(&ended.expect(2).stderr, &project), @r"
    error: `HOME/tool/lib/fal-host/plugins/libfal_stub_writer.so` of the package acme-stubs 1.2 is in the place of the plugin `fal-stub-writer` of fal-host [plugin::name_taken]
    help: uninstall the package that brought it, and install fal-host again
    ");
    assert!(!project.has("models/acme/a.sql") && !project.has("models/fal/a.sql"));
    let list = run_in(&project, &environment, LIST);
    assert_eq!(listed(&list, "libfal_stub_writer.so")[0][0], "refused");
    let flag = format!("generate --plugin stub-writer={}", host.display());
    run_in(&project, &environment, &flag)
        .expect(0)
        .says("Wrote models/acme/a.sql");
}

#[test]
#[ignore = "needs FAL_TEST_DBT_PYTHON"]
fn a_second_plugin_with_a_name_of_fal_host_is_refused_with_both_places() {
    let project = project("fal-stub-writer");
    let environment = Environment::new(project.home().join("tool")).with_host();
    let marker = project.home().join("ran");
    let program = project.home().join("program");
    fs::write(&program, format!("#!/bin/sh\ntouch {}\n", marker.display())).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let place = format!("data/{PLUGINS}/fal-stub-writer/fal-stub-writer.fal-plugin");
    let wheel = wheel(
        &project.home().join("wheels"),
        "acme-stubs",
        "1.2",
        &[(program, place)],
    );
    environment.install(&wheel);
    let ended = run_in(&project, &environment, "generate");
    insta::assert_snapshot!(redact(&ended.expect(2).stderr, &project), @r"
    error: `HOME/tool/lib/fal-host/plugins/fal-stub-writer/fal-stub-writer.fal-plugin` of the package acme-stubs 1.2 has the name of the plugin `fal-stub-writer` of fal-host, `HOME/tool/lib/fal-host/plugins/libfal_stub_writer.so` [plugin::name_taken]
    help: uninstall or rename it. To use it, give its path: `--plugin STAGE=PATH`, or under `plugins:` in fal_project.yml
    ");
    let list = run_in(&project, &environment, LIST);
    let row = &listed(&list, "fal-stub-writer.fal-plugin")[0];
    assert_eq!(
        (&row[0], &row[1]),
        (&json!("refused"), &json!("fal-stub-writer"))
    );
    assert!(!marker.exists());
}

/// Also where the user may put plugins, other than by a path.
#[test]
fn a_name_of_fal_host_is_refused_in_every_place_but_those_that_name_a_path() {
    let project = project("fal-stub-writer");
    let folder = project.root().join("plugins");
    fs::create_dir_all(&folder).unwrap();
    fs::copy(
        foreign_plugin("acme-stages"),
        folder.join("libfal_stub_writer.so"),
    )
    .unwrap();
    let mut command = project.host("generate");
    command.env("FAL_PLUGIN_PATH", &folder);
    let ended = project.finish(command);
    insta::assert_snapshot!(redact(&ended.expect(2).stderr, &project), @r"
    error: `PROJECT/plugins/libfal_stub_writer.so` has the name of the plugin `fal-stub-writer` of fal-host, `INSTALLATION/libfal_stub_writer.so` [plugin::name_taken]
    help: uninstall or rename it. To use it, give its path: `--plugin STAGE=PATH`, or under `plugins:` in fal_project.yml
    ");
    project.write(
        "fal_project.yml",
        "plugins:\n  paths: [plugins]\n  stub-writer: fal-stub-writer\n",
    );
    project.run_host("generate").expect(2).says("not trusted");
    assert!(!project.has("models/acme/a.sql"));
}

/// Programs and a library that leave `ran` in the home folder when they are loaded.
fn planted(project: &Project) -> PathBuf {
    let (folder, marker) = (
        project.path(".venv").join(PLUGINS),
        project.home().join("ran"),
    );
    let script = format!("#!/bin/sh\ntouch {}\n", marker.display());
    for file in ["acme/acme.fal-plugin", "fal-ray-runner.fal-plugin"] {
        let path = folder.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let source = project.home().join("planted.c");
    let code = format!(
        "#include <stdlib.h>\n__attribute__((constructor)) static void run(void) {{ system(\"touch {}\"); }}\n",
        marker.display()
    );
    fs::write(&source, code).unwrap();
    for library in ["libacme_stubs.so", "libfal_stub_writer.so"] {
        let built = Command::new("cc")
            .args(["-shared", "-fPIC", "-o"])
            .arg(folder.join(library))
            .arg(&source)
            .status();
        assert!(built.unwrap().success());
    }
    // Where an unpacked fal-host would have plugins.
    let beside = project.path(".venv/bin/plugins");
    fs::create_dir_all(&beside).unwrap();
    for library in ["libfal_stub_writer.so", "libfal_python_parser.so"] {
        fs::copy(folder.join("libacme_stubs.so"), beside.join(library)).unwrap();
    }
    marker
}

/// Neither by name nor otherwise, until the user trusts them.
fn loads_none(project: &Project, program: &Path, marker: &Path) {
    let run = |words: &str| {
        let ended = run(project, program.to_owned(), words);
        assert!(!marker.exists(), "{words}\n{ended}");
        ended
    };
    let list = run(LIST);
    for file in ["libacme_stubs.so", "acme.fal-plugin"] {
        let row = &listed(&list, file)[0];
        assert_eq!((&row[0], &row[2]), (&json!("not_trusted"), &json!(null)));
    }
    let python = project.path(".venv/bin/python").display().to_string();
    for words in ["check", "run", &format!("generate --python {python}")] {
        run(words).expect(2);
    }
    let ended = run("generate");
    insta::allow_duplicates! {
        insta::assert_snapshot!(redact(&ended.expect(2).stderr, project), @r"
        error: the plugin `acme-stubs` is in the project's environment, which is not trusted: `PROJECT/.venv/lib/fal-host/plugins/libacme_stubs.so` [plugin::untrusted]
        help: a plugin is code that runs with your rights. If you trust this project, pass `--trust-project-plugins`, or record it once with `fal-host plugin trust`
        ");
    }
    project.remove("fal_project.yml");
    run("run").expect(0);
    run("run --runner acme").expect(2).says("not trusted");
    let trusted = ["--trust-project-plugins", LIST].join(" ");
    crate::plugins_by_pip::run(project, program.to_owned(), &trusted).expect(0);
    assert!(marker.exists(), "the plugins say that they were loaded");
}

#[test]
#[ignore = "needs FAL_TEST_DBT_PYTHON"]
fn a_cloned_project_with_an_environment_full_of_plugins_loads_none() {
    let project = project("acme-stubs");
    let marker = planted(&project);
    Environment::new(project.path(".venv")).with_dbt();
    loads_none(&project, &host(), &marker);
    let list = run(&project, host(), LIST);
    let row = &listed(&list, ".venv/lib/fal-host/plugins/libfal_stub_writer.so")[0];
    assert_eq!(row[0], "refused");
}

/// The user installs fal-host over what came with the project.
#[test]
#[ignore = "needs FAL_TEST_DBT_PYTHON"]
fn neither_does_a_fal_host_that_was_installed_into_that_environment() {
    let project = project("acme-stubs");
    let marker = planted(&project);
    let environment = Environment::new(project.path(".venv"))
        .with_host()
        .with_dbt();
    // A module may have been laid beside a program of fal-host.
    let list = run_in(&project, &environment, LIST);
    assert_eq!(
        listed(&list, "fal-ray-runner.fal-plugin")[0][0],
        "not_trusted"
    );
    loads_none(&project, &environment.path("bin/fal-host"), &marker);
}

#[test]
#[ignore = "needs FAL_TEST_DBT_PYTHON"]
fn plugins_of_the_projects_environment_load_once_they_are_trusted() {
    let project = project("acme-stages");
    let environment = Environment::new(project.path(".venv"));
    environment.install(&wheel_with(&project, "acme-stubs", "libacme_stages.so"));
    let list = project.run_host("plugin list");
    insta::assert_snapshot!(redact(&about(list.expect(0), "libacme_stages"), &project), @r"
    acme-stages                -        not trusted                                  project's environment
        PROJECT/.venv/lib/fal-host/plugins/libacme_stages.so
        package: acme-stubs 1.2
        why: it is in an environment of the project: `fal-host plugin trust` trusts it
    ");
    project.run_host("generate").expect(2).says("not trusted");
    project
        .run_host("generate --trust-project-plugins")
        .expect(0)
        .says("Wrote models/acme/a.sql");
    project.run_host("generate").expect(2).says("not trusted");
    let trusted = project.run_host("plugin trust");
    insta::assert_snapshot!(redact(&trusted.expect(0).stderr, &project), @r"
    Trusted 0 plugin paths of PROJECT
    Trusted the plugins in PROJECT/.venv/lib/fal-host/plugins:
      PROJECT/.venv/lib/fal-host/plugins/libacme_stages.so
    ");
    project.run_host("generate").expect(0);
    let list = project.run_host(LIST);
    assert_eq!(listed(&list, "libacme_stages.so")[0][0], "ok");
    environment.install(&wheel_with(&project, "acme-more", "libacme_more.so"));
    project.run_host("generate").expect(2).says("not trusted");
}

/// The lines of `plugin list` about a file, with the one before it.
fn about(ended: &Ended, file: &str) -> String {
    let lines: Vec<_> = ended.stdout.lines().collect();
    let at = lines.iter().position(|line| line.contains(file)).unwrap();
    let start = (0..at)
        .rev()
        .find(|at| !lines[*at].starts_with(' '))
        .unwrap();
    let end = (at..lines.len()).find(|at| !lines[*at].starts_with(' '));
    lines[start..end.unwrap_or(lines.len())].join("\n")
}
