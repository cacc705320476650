//! The artifact, compared with what dbt writes, and read by dbt itself.

use std::process::Command;

use serde_json::Value;

use super::*;
use crate::sample::{self, at};

fn planned() -> [NodeInfo; 6] {
    [
        sample::staging(),
        sample::clusters(),
        sample::report(),
        sample::unique(),
        sample::forecast(),
        sample::seed(),
    ]
}

fn session() -> SessionInfo {
    let args = json!({ "which": "run", "invocation_command": "fal-host run", "vars": {} });
    let metadata = json!({ "dbt_version": "1.11.2", "env": {}, "generated_at": "2020-01-01T00:00:00.000000Z" });
    SessionInfo {
        dbt_version: "1.11.2".into(),
        invocation_id: "6d3dda8b-aa88-4a4c-bba6-915f98eb26d5".into(),
        args: args.as_object().unwrap().clone(),
        run_results_metadata: metadata.as_object().unwrap().clone(),
        ..SessionInfo::default()
    }
}

fn gather(events: &[RunEvent]) -> RunResults {
    let mut results = RunResults::from_session(&session(), planned());
    events.iter().for_each(|event| results.event(event));
    results
}

fn statuses(results: &RunResults) -> String {
    let value = results.to_value(at(5000));
    let line = |result: &Value| {
        format!(
            "{} {} {}",
            result["unique_id"], result["status"], result["message"]
        )
    };
    value["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(line)
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn the_form_is_that_of_dbt() {
    let mut value = gather(&sample::failure()).to_value(at(5000));
    let result = value["results"][1].take();
    value["results"] = json!([]);
    insta::assert_snapshot!(format!("{value:#}"), @r#"
    {
      "metadata": {
        "dbt_schema_version": "https://schemas.getdbt.com/dbt/run-results/v6.json",
        "dbt_version": "1.11.2",
        "generated_at": "2026-11-22T12:03:19.000000Z",
        "invocation_id": "6d3dda8b-aa88-4a4c-bba6-915f98eb26d5",
        "invocation_started_at": "2026-11-22T12:03:14.000000Z",
        "env": {}
      },
      "results": [],
      "elapsed_time": 3723.456,
      "args": {
        "which": "run",
        "invocation_command": "fal-host run",
        "vars": {}
      }
    }
    "#);
    insta::assert_snapshot!(format!("{result:#}"), @r#"
    {
      "status": "error",
      "timing": [
        {
          "name": "execute",
          "started_at": "2026-11-22T12:03:14.250000Z",
          "completed_at": "2026-11-22T12:03:14.500000Z"
        }
      ],
      "thread_id": "Thread-1 (worker)",
      "execution_time": 0.5,
      "adapter_response": {},
      "message": "Traceback (most recent call last):\n  File \"models/customer_clusters.py\", line 12, in <module>\n    labels = fit(frame)\n  File \"models/customer_clusters.py\", line 7, in fit\n    raise ValueError(\"no customers\")\nValueError: no customers\n",
      "failures": null,
      "unique_id": "model.shop.customer_clusters",
      "compiled": false,
      "compiled_code": null,
      "relation_name": "\"shop\".\"main\".\"customer_clusters\"",
      "batch_results": null
    }
    "#);
}

#[test]
fn what_did_not_run_is_skipped() {
    insta::assert_snapshot!(statuses(&gather(&sample::failure())), @r#"
    "model.shop.stg_orders" "error" "Runtime Error in model stg_orders (models/staging/stg_orders.sql)\n  Binder Error: no column \"nope\"\n  Candidate bindings: \"id\""
    "model.shop.customer_clusters" "error" "Traceback (most recent call last):\n  File \"models/customer_clusters.py\", line 12, in <module>\n    labels = fit(frame)\n  File \"models/customer_clusters.py\", line 7, in fit\n    raise ValueError(\"no customers\")\nValueError: no customers\n"
    "model.shop.report" "skipped" null
    "test.shop.unique_stg_orders_id" "warn" "Got 2 results, configured to warn if != 0"
    "model.shop.forecast" "skipped" "Skipped because the run broke off"
    "seed.shop.raw_orders" "skipped" "Skipped because the run broke off"
    "#);
    insta::assert_snapshot!(statuses(&gather(&sample::interrupted())), @r#"
    "model.shop.stg_orders" "success" "OK"
    "model.shop.customer_clusters" "error" "Interrupted"
    "model.shop.report" "skipped" "Skipped because the run was interrupted"
    "test.shop.unique_stg_orders_id" "skipped" "Skipped because the run was interrupted"
    "model.shop.forecast" "skipped" "Skipped because the run was interrupted"
    "seed.shop.raw_orders" "skipped" "Skipped because the run was interrupted"
    "#);
}

#[test]
fn what_was_running_when_the_run_broke_off_failed() {
    insta::assert_snapshot!(statuses(&gather(&sample::failure()[..3])), @r#"
    "model.shop.stg_orders" "error" "The run broke off while it ran"
    "model.shop.customer_clusters" "error" "The run broke off while it ran"
    "model.shop.report" "skipped" "Skipped because the run broke off"
    "test.shop.unique_stg_orders_id" "skipped" "Skipped because the run broke off"
    "model.shop.forecast" "skipped" "Skipped because the run broke off"
    "seed.shop.raw_orders" "skipped" "Skipped because the run broke off"
    "#);
    insta::assert_snapshot!(statuses(&gather(&sample::interrupted()[..5])), @r#"
    "model.shop.stg_orders" "success" "OK"
    "model.shop.customer_clusters" "error" "Interrupted while it ran"
    "model.shop.report" "skipped" "Skipped because the run was interrupted"
    "test.shop.unique_stg_orders_id" "skipped" "Skipped because the run was interrupted"
    "model.shop.forecast" "skipped" "Skipped because the run was interrupted"
    "seed.shop.raw_orders" "skipped" "Skipped because the run was interrupted"
    "#);
}

#[test]
fn seeds_have_no_compiled_code_and_models_say_whether_they_were_compiled() {
    let value = gather(&[]).to_value(at(0));
    let of = |id: &str| {
        value["results"]
            .as_array()
            .unwrap()
            .iter()
            .find(|result| result["unique_id"] == id)
            .unwrap()
            .clone()
    };
    let seed = of("seed.shop.raw_orders");
    assert_eq!(
        (&seed["compiled"], &seed["relation_name"]),
        (&Value::Null, &Value::Null)
    );
    let model = of("model.shop.report");
    assert_eq!(
        (&model["compiled"], &model["relation_name"]),
        (&json!(false), &json!("\"shop\".\"main\".\"report\""))
    );
}

#[test]
fn scripts_are_not_in_it() {
    let scripts = sample::scripts();
    let planned = [
        sample::clusters(),
        sample::script(fal_plugin::payload::ScriptRole::After, "tell.ipynb"),
    ];
    let mut results = RunResults::from_session(&session(), planned);
    scripts.iter().for_each(|event| results.event(event));
    insta::assert_snapshot!(statuses(&results), @r#""model.shop.customer_clusters" "error" "The pre-hook scripts/check.py failed, so the model did not run\nTraceback (most recent call last):\n  ...\nValueError: too few rows""#);
}

#[test]
fn the_file_is_replaced_whole() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("target");
    let path = target.join("run_results.json");
    let results = gather(&sample::success());
    results.write(&target, at(1)).unwrap();
    results.write(&target, at(2)).unwrap();
    let value: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(value, results.to_value(at(2)));
    assert_eq!(
        std::fs::read_dir(path.parent().unwrap()).unwrap().count(),
        1
    );
    let blocked = results.write(&path, at(3)).unwrap_err();
    assert_eq!(blocked.code(), "report::write");
}

const READ_BY_DBT: &str = "
import sys
from dbt.artifacts.schemas.run import RunResultsArtifact
artifact = RunResultsArtifact.read_and_check_versions(sys.argv[1])
assert artifact.metadata.generated_at.year == 2026, artifact.metadata
for result in artifact.results:
    print(result.unique_id, result.status.value, sep=' ')
";

/// `FAL_TEST_DBT_PYTHON` names a Python with dbt-core.
#[test]
#[ignore = "needs a Python with dbt-core"]
fn dbt_reads_it() {
    let python = std::env::var("FAL_TEST_DBT_PYTHON")
        .expect("FAL_TEST_DBT_PYTHON names a Python with dbt-core");
    let folder = tempfile::tempdir().unwrap();
    for events in [
        sample::success(),
        sample::failure(),
        sample::interrupted(),
        sample::failure()[..3].to_vec(),
        vec![],
    ] {
        let path = folder.path().join("run_results.json");
        let results = gather(&events);
        results.write(folder.path(), at(5000)).unwrap();
        let output = Command::new(&python)
            .args(["-c", READ_BY_DBT])
            .arg(&path)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let value = results.to_value(at(5000));
        let expected: String = value["results"]
            .as_array()
            .unwrap()
            .iter()
            .map(|result| {
                format!(
                    "{} {}\n",
                    result["unique_id"].as_str().unwrap(),
                    result["status"].as_str().unwrap()
                )
            })
            .collect();
        assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
    }
}
