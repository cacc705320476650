//! Selections over dbt 2 are those of dbt-core 1.11, as tests/projects/selection/selections.json has
//! them.

use std::{fs, path::Path, process::Command};

use fal_e2e::{Project, dbt2_python};
use serde_json::Value;

use super::Engine::Dbt2;

/// Kinds of nodes that dbt 2 reads in another form than dbt-core 1.11, which is the project's.
const OTHER_FORM: [&str; 3] = ["metric", "semantic_model", "saved_query"];

/// Of the cases without a selector, so many are one that is tried.
const ONE_OF: usize = 4;

/// The words of `fal-host ls` for a case.
fn words(case: &Value) -> Vec<String> {
    let mut words = ["ls", "--output", "json", "--output-keys", "unique_id"]
        .map(str::to_owned)
        .to_vec();
    let texts = |key: &str| {
        let values = case[key].as_array().into_iter().flatten();
        values.map(|value| value.as_str().unwrap().to_owned())
    };
    for key in ["select", "exclude"] {
        if texts(key).next().is_some() {
            words.push(format!("--{key}"));
            words.extend(texts(key));
        }
    }
    for kind in texts("resource_types") {
        words.extend(["--resource-type".to_owned(), kind]);
    }
    for (key, flag) in [
        ("selector", "--selector"),
        ("indirect", "--indirect-selection"),
    ] {
        if let Some(value) = case[key].as_str() {
            words.extend([flag.to_owned(), value.to_owned()]);
        }
    }
    words
}

fn is_read_by_dbt_2(id: &str) -> bool {
    let kind = id.split('.').next().unwrap();
    !OTHER_FORM.contains(&kind)
}

#[test]
#[ignore = "needs dbt 2: cargo xtask test"]
fn selections_are_those_of_dbt() {
    let project = Project::copy_of_folder(Path::new("tests/projects/selection"));
    let mut deps = Command::new(dbt2_python().with_file_name("dbt"));
    deps.arg("deps").current_dir(project.path("."));
    assert!(deps.status().unwrap().success());
    let cases = fs::read_to_string(project.path("selections.json")).unwrap();
    let cases: Vec<Value> = serde_json::from_str(&cases).unwrap();
    let mut wrong = Vec::new();
    let mut tried = 0;
    for (number, case) in cases.iter().enumerate() {
        let words = words(case);
        // The nodes themselves, and what is around them.
        let names_them = ["total_amount", "double", "amounts", "orders_semantic"]
            .iter()
            .chain(&OTHER_FORM)
            .any(|name| words.iter().any(|word| word.contains(name)));
        if names_them || case.get("selector").is_none() && number % ONE_OF != 0 {
            continue;
        }
        tried += 1;
        let mut command = Dbt2.host(&project, "");
        command.args(&words);
        let ended = project.finish(command);
        let lines = ended.stdout.lines();
        let mut found: Vec<String> = lines
            .filter_map(|line| {
                let line: Value = serde_json::from_str(line).ok()?;
                Some(line["unique_id"].as_str()?.to_owned())
            })
            .collect();
        found.sort();
        let expected = case["expect"].as_array().map(|ids| {
            let ids = ids.iter().filter_map(Value::as_str);
            ids.filter(|id| is_read_by_dbt_2(id))
                .map(str::to_owned)
                .collect::<Vec<_>>()
        });
        let found = (ended.code() == 0).then_some(found);
        if found != expected {
            wrong.push(format!(
                "{words:?}\n  dbt-core: {expected:?}\n  here: {found:?}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(tried > 60, "{tried} cases are left");
}
