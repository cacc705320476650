//! Every code block in the plugin documentation is tested: `guide.rs` follows the pages of the
//! guide, files
//! are read by fal-host, configurations by their plugins, commands by the command line parser.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Command};

use fal_e2e::{Block, Page, Project, Typed, workspace};
use serde_json::Value;

/// `guide.rs` types all blocks of these pages.
const FOLLOWED: [&str; 5] = [
    "guide-stub-writer.md",
    "guide-notebook-parser.md",
    "guide-python-parser.md",
    "guide-execution-backend.md",
    "guide-runner-in-python.md",
];
/// `guide.rs` types the commands of these pages.
const TYPED: [&str; 2] = ["guide.md", "publishing.md"];
/// Generated pages without code blocks.
const ELSEWHERE: [&str; 1] = ["reference.md"];

fn pages() -> Vec<Page> {
    let folder = workspace().join("docs/plugins");
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".md"))
        .filter(|name| !FOLLOWED.contains(&name.as_str()) && !ELSEWHERE.contains(&name.as_str()))
        .collect();
    names.sort();
    names
        .iter()
        .map(|name| Page::read(&format!("docs/plugins/{name}")))
        .collect()
}

#[test]
fn every_block_is_of_a_kind_that_is_checked() {
    for block in pages().iter().flat_map(|page| &page.blocks) {
        let file = block.file().unwrap_or_default();
        let known = match block.language.as_str() {
            // Python is compiled here; that of leases.md is run by the tests of the dbt backend.
            "yaml" | "toml" | "python" => !file.is_empty(),
            "console" | "dockerfile" | "json" | "text" => true,
            // `guide.rs` builds the templates.
            "rust" => templates(&workspace().join("crates/fal-scaffold/templates"))
                .contains(block.text.trim_end()),
            _ => false,
        };
        assert!(
            known,
            "{}: nothing checks a block of `{}`",
            block.place, block.language
        );
    }
}

/// The text of all template files.
fn templates(folder: &Path) -> String {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .map(|path| {
            if path.is_dir() {
                templates(&path)
            } else {
                fs::read_to_string(path).unwrap()
            }
        })
        .collect()
}

/// Blocks that tests do not run are rare, and say why.
#[test]
fn few_blocks_are_exempt() {
    let all: Vec<_> = pages()
        .into_iter()
        .chain(FOLLOWED.map(|name| Page::read(&format!("docs/plugins/{name}"))))
        .collect();
    let exempt: Vec<_> = all
        .iter()
        .flat_map(|page| &page.blocks)
        .filter(|block| block.is_exempt())
        .collect();
    assert!(exempt.len() <= 6, "{exempt:#?}");
}

/// fal-host reads each `fal_project.yml` without an error.
#[test]
fn projects_are_read() {
    for block in pages().iter().flat_map(|page| page.in_language("yaml")) {
        let Some("fal_project.yml") = block.file() else {
            continue;
        };
        let project = Project::bare();
        project.write("fal_project.yml", &block.text);
        let ended = project.run_host("plugin list --trust-project-plugins");
        assert_eq!(ended.code(), 0, "{}\n{ended}", block.place);
    }
}

/// All other YAML, TOML, JSON and Python blocks parse.
#[test]
#[ignore = "needs FAL_TEST_DBT_PYTHON"]
fn other_files_are_read_by_their_formats() {
    let blocks = |language: &str| -> Vec<String> {
        let pages = pages();
        pages
            .iter()
            .flat_map(|page| page.in_language(language))
            .map(|block| block.text.clone())
            .collect()
    };
    assert!(
        blocks("json")
            .iter()
            .all(|text| serde_json::from_str::<Value>(text).is_ok())
    );
    let texts = serde_json::to_string(&blocks("yaml")).unwrap();
    let code = "import json, sys, yaml\nfor text in json.loads(sys.argv[1]): yaml.safe_load(text)\nprint('null')";
    fal_e2e::python(code, &[&texts]);
    let texts = serde_json::to_string(&blocks("toml")).unwrap();
    let code = "import json, sys, tomllib\nfor text in json.loads(sys.argv[1]): tomllib.loads(text)\nprint('null')";
    fal_e2e::python(code, &[&texts]);
    let texts = serde_json::to_string(&blocks("python")).unwrap();
    let code = "import json, sys\nfor text in json.loads(sys.argv[1]): compile(text, 'page', 'exec')\nprint('null')";
    fal_e2e::python(code, &[&texts]);
}

/// Prints, for each text, whether the JSON schema for editors accepts it.
const ACCEPTED: &str = r#"
import json, sys, jsonschema, yaml

with open(sys.argv[1]) as file:
    validator = jsonschema.Draft202012Validator(json.load(file))
texts = json.loads(sys.argv[2])
print(json.dumps([validator.is_valid(yaml.safe_load(text)) for text in texts]))
"#;

/// Editors accept each `fal_project.yml` of the pages, and refuse what fal-host refuses.
#[test]
#[ignore = "needs FAL_TEST_DBT_PYTHON"]
fn the_schema_for_editors_accepts_what_fal_host_reads() {
    let schema = workspace().join("docs/reference/fal_project.schema.json");
    let accepted = |texts: &[String]| -> Vec<bool> {
        let texts = serde_json::to_string(texts).unwrap();
        let answer = fal_e2e::python(ACCEPTED, &[schema.to_str().unwrap(), &texts]);
        serde_json::from_value(answer).unwrap()
    };
    let others = ["guide/runners.md", "environments.md"];
    let others = others.map(|name| Page::read(&format!("docs/{name}")));
    let shown: Vec<String> = pages()
        .iter()
        .chain(&others)
        .flat_map(|page| page.in_language("yaml"))
        .filter(|block| {
            block.file() == Some("fal_project.yml") || block.text.starts_with("environments:")
        })
        .map(|block| block.text.clone())
        .collect();
    assert!(shown.len() > 10, "{}", shown.len());
    for (text, accepted) in shown.iter().zip(accepted(&shown)) {
        assert!(accepted, "{text}");
    }
    let wrong = [
        "hooks: 1",
        "plugins: {python_parser: x}",
        "plugins: {timeout: 0}",
        "routes: [{select: a}]",
        "runners: [{name: a}]",
        "environments: [{name: a, type: docker}]",
        "environments: [{name: a, packages: [x]}]",
    ]
    .map(str::to_owned);
    for (text, accepted) in wrong.iter().zip(accepted(&wrong)) {
        assert!(!accepted, "{text}");
        let project = Project::bare();
        project.write("fal_project.yml", text);
        project.run_host("plugin list").expect(2);
    }
}

/// The configurations in a `fal_project.yml`, with defaults for the environment. As in fal-host, `on` is a word.
const CONFIGS: &str = r#"
import json, re, sys, yaml

class Loader(yaml.SafeLoader):
    yaml_implicit_resolvers = {k: v for k, v in yaml.SafeLoader.yaml_implicit_resolvers.items() if k not in "oO"}

text = re.sub(r"\{\{ *env_var\('[^']*'(?:, *'([^']*)')?\) *\}\}", r"\1", sys.argv[1])
project = yaml.load(text, Loader)
configs = list(((project.get("plugins") or {}).get("config") or {}).items())
configs += [(runner["plugin"], runner.get("config") or {}) for runner in project.get("runners") or []]
print(json.dumps(configs))
"#;

/// `plugin check` opens each stage that ships with fal-host with the configurations that the pages
/// show.
#[test]
#[ignore = "needs FAL_TEST_DBT_PYTHON"]
fn configurations_open_their_plugins() {
    let mut opened = 0;
    for block in pages().iter().flat_map(|page| page.in_language("yaml")) {
        let Some("fal_project.yml") = block.file() else {
            continue;
        };
        let configs = fal_e2e::python(CONFIGS, &[&block.text]);
        for pair in configs.as_array().unwrap() {
            let (name, config) = (pair[0].as_str().unwrap(), &pair[1]);
            if name == "fal-dbt-backend" {
                // Its contract starts dbt several times; the set-up below opens one of these.
                is_of_the_backend(config, &block.place);
                continue;
            }
            if !name.starts_with("fal-") {
                continue;
            }
            let project = Project::bare();
            let ended = project.run(&[
                "plugin",
                "check",
                name,
                "--config",
                &config.to_string(),
                "--format",
                "json",
            ]);
            let report: Value = serde_json::from_str(&ended.stdout)
                .unwrap_or_else(|_| panic!("{}\n{ended}", block.place));
            let case = report["cases"]
                .as_array()
                .unwrap()
                .iter()
                .find(|case| case["name"] == "execution-backend/opens");
            assert_eq!(
                case.unwrap()["outcome"],
                "passed",
                "{}: {name}\n{report:#}",
                block.place
            );
            opened += 1;
        }
    }
    assert!(opened >= 3, "{opened}");
}

fn is_of_the_backend(config: &Value, place: &str) {
    let keys = |value: &Value| -> Vec<String> {
        value
            .as_object()
            .into_iter()
            .flatten()
            .map(|(key, _)| key.clone())
            .collect()
    };
    let unknown = |given: Vec<String>, known: &[&str]| {
        given.into_iter().find(|key| !known.contains(&key.as_str()))
    };
    assert_eq!(
        unknown(
            keys(config),
            &["gateway", "bundle", "preload", "engine", "dbt"]
        ),
        None,
        "{place}"
    );
    assert_eq!(
        unknown(
            keys(&config["gateway"]),
            &["listen", "advertise", "tls", "env_vars"]
        ),
        None,
        "{place}"
    );
}

/// Commands that `guide.rs` does not type are valid bash, and each `fal-host` in them parses.
#[test]
fn commands_are_those_of_the_program() {
    let pages = pages();
    let typed = |page: &Page| {
        TYPED
            .iter()
            .any(|name| page.path.ends_with(&format!("/{name}")))
    };
    for page in &pages {
        for block in page
            .in_language("console")
            .filter(|block| !typed(page) || block.is_exempt())
        {
            block.typed().iter().for_each(is_a_command);
        }
    }
    let workflows = pages
        .iter()
        .flat_map(|page| page.in_language("yaml"))
        .filter(|block| block.text.contains("- run: "));
    for block in workflows {
        runs(block).iter().for_each(is_a_command);
    }
}

/// The steps of a workflow.
fn runs(block: &Block) -> Vec<Typed> {
    let commands = block
        .text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- run: "));
    let typed = |command: &str| Typed {
        command: command.to_owned(),
        printed: Vec::new(),
        place: block.place.clone(),
    };
    commands.map(typed).collect()
}

fn is_a_command(typed: &Typed) {
    let read = Command::new("bash")
        .args(["-n", "-c", &typed.command])
        .output()
        .unwrap();
    assert!(read.status.success(), "{}: {}", typed.place, typed.command);
    if typed.command.starts_with("fal-host ") {
        let words: Vec<_> = typed
            .command
            .split_whitespace()
            .skip(1)
            .take_while(|word| !word.starts_with('#'))
            .collect();
        let ended = Project::bare().run_host(&[words, vec!["--help"]].concat());
        assert_eq!(
            ended.code(),
            0,
            "{}: {}\n{ended}",
            typed.place,
            typed.command
        );
    }
}

/// In the pages whose blocks no test types, too, each `fal-host` at the beginning of a line parses.
#[test]
fn commands_of_every_page_parse() {
    let mut pages = vec![
        workspace().join("README.md"),
        workspace().join("CONTRIBUTING.md"),
    ];
    for folder in ["docs", "docs/guide", "docs/notes", "examples/jaffle_shop"] {
        let entries = fs::read_dir(workspace().join(folder)).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        pages.extend(paths.filter(|path| path.extension().is_some_and(|end| end == "md")));
    }
    let mut parsed = 0;
    for page in pages {
        let text = fs::read_to_string(&page).unwrap();
        let blocks = text.split("\n```").skip(1).step_by(2);
        for line in blocks.flat_map(|block| block.lines().skip(1)) {
            let line = line.strip_prefix("$ ").unwrap_or(line);
            if !line.starts_with("fal-host ") {
                continue;
            }
            let words = words(line);
            let words = words.iter().skip(1).map(String::as_str);
            let words: Vec<_> = words.chain(["--help"]).collect();
            let ended = Project::bare().run_host(&words);
            assert_eq!(ended.code(), 0, "{}: {line}\n{ended}", page.display());
            parsed += 1;
        }
    }
    assert!(parsed > 20, "{parsed}");
}

/// The words of the first command of a line, as bash reads them.
fn words(line: &str) -> Vec<String> {
    let ends = [" | ", " || ", " && ", " > "];
    let end = ends.iter().filter_map(|end| line.find(end)).min();
    let script = format!("printf '%s\\0' {}", &line[..end.unwrap_or(line.len())]);
    let read = Command::new("bash").args(["-c", &script]).output().unwrap();
    let words = String::from_utf8(read.stdout).unwrap();
    words.split_terminator('\0').map(str::to_owned).collect()
}

/// A stand-in for `kubectl run` that does the pod's work and logs its arguments.
const KUBECTL: &str = r#"#!/bin/sh
printf '%s\n' "$@" >> "$HOME/kubectl"
while [ "$1" != -- ]; do shift; done
shift 2
exec "$FAL_HOST_PYTHON" "$@"
"#;

/// The set-up as the page has it, with a stand-in for the cluster.
#[test]
#[ignore = "needs FAL_TEST_DBT_PYTHON"]
fn the_enterprise_set_up_runs() {
    let page = Page::read("docs/plugins/enterprise.md");
    let file = |name: &str| {
        page.blocks
            .iter()
            .find(|block| block.file() == Some(name))
            .unwrap()
            .text
            .clone()
    };
    let project = Project::bare();
    // The port may be taken where tests run.
    project.write(
        "fal_project.yml",
        file("fal_project.yml").replace(":41233", ":0"),
    );
    project.write("models/ml/models.yml", file("models/ml/models.yml"));
    project.write("models/orders.sql", "select 7 as amount");
    project.write(
        "models/ml/forecast.py",
        "print('in the pod')\nwrite_to_model(ref('orders'))\n",
    );
    project.write("bin/kubectl", KUBECTL);
    let executable = fs::Permissions::from_mode(0o755);
    fs::set_permissions(project.path("bin/kubectl"), executable).unwrap();

    let mut command = project.host_with_dbt("run");
    let path = std::env::var("PATH").unwrap();
    command.env("PATH", format!("{}:{path}", project.path("bin").display()));
    // A pod has its own Python; the stand-in uses the tests' one.
    let config = project
        .read("fal_project.yml")
        .replace("KUBECONFIG,", "FAL_HOST_PYTHON,");
    project.write("fal_project.yml", config);
    project
        .finish(command)
        .expect(0)
        .says("forecast | in the pod");
    assert_eq!(
        project.query("select amount from main.forecast"),
        serde_json::json!([[7]])
    );

    let asked = fs::read_to_string(project.home().join("kubectl")).unwrap();
    assert!(
        asked.contains("\n--image=registry.corp/fal/forecasting:2026-11\n"),
        "{asked}"
    );
    let overrides = asked
        .lines()
        .find_map(|line| line.strip_prefix("--overrides="))
        .unwrap();
    let overrides: Value =
        serde_json::from_str(overrides).unwrap_or_else(|error| panic!("{error}: {overrides}"));
    let requests = &overrides["spec"]["containers"][0]["resources"]["requests"];
    assert_eq!(
        *requests,
        serde_json::json!({"cpu": "4", "memory": "8589934592"})
    );
}

/// Links between pages, and to files of this repository, lead somewhere.
#[test]
fn links_lead_somewhere() {
    let folder = workspace().join("docs/plugins");
    for entry in fs::read_dir(&folder)
        .unwrap()
        .map(Result::unwrap)
        .filter(|entry| entry.path().is_file())
    {
        let text = fs::read_to_string(entry.path()).unwrap();
        // What is between fences is no text, and may look like a link.
        let prose: String = text.split("\n```").step_by(2).collect();
        for rest in prose.split("](").skip(1) {
            let link = rest.split(')').next().unwrap_or_default();
            let file = link.split('#').next().unwrap_or_default();
            let here = !file.is_empty() && !file.contains("://");
            assert!(
                !here || folder.join(file).exists(),
                "{}: {link}",
                entry.path().display()
            );
        }
    }
}

/// The table of who can do what names tests, and each of them is there.
#[test]
fn each_row_of_the_trust_table_names_tests_that_exist() {
    let page = fs::read_to_string(workspace().join("docs/plugins/trust.md")).unwrap();
    let (_, section) = page.split_once("## Who can do what").unwrap();
    let rows: Vec<Vec<&str>> = section
        .lines()
        .filter(|line| line.starts_with("| a "))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    assert!(rows.len() >= 25, "{}", rows.len());
    let sources: String = ["crates", "plugins", "tests"]
        .iter()
        .map(|part| tests_below(&workspace().join(part)))
        .collect();
    for row in rows {
        let [who, what, can, tests] = row.as_slice() else {
            panic!("{row:?}")
        };
        let named: Vec<_> = tests
            .split(", ")
            .map(|name| name.trim_matches('`'))
            .collect();
        assert!(!can.is_empty() && !named.is_empty(), "{who} {what}");
        for name in named {
            let is_there = sources.contains(&format!("fn {name}()"))
                || sources.contains(&format!("def {name}("));
            assert!(is_there, "{who}, {what}: there is no test `{name}`");
        }
    }
}

/// The text of all Rust and Python files.
fn tests_below(folder: &Path) -> String {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let read = |path: std::path::PathBuf| match path.extension().and_then(|end| end.to_str()) {
        _ if path.is_symlink() => String::new(),
        _ if path.is_dir() => tests_below(&path),
        Some("rs" | "py") => fs::read_to_string(path).unwrap_or_default(),
        _ => String::new(),
    };
    entries.map(read).collect()
}
