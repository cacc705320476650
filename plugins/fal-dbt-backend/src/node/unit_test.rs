//! Runs unit tests of Python models: a job reads given rows instead of the warehouse's, and the
//! engine compares what it writes.

use fal_plugin::{
    payload::{NodeResult, UnitTestWork},
    PluginError,
};
use serde_json::Value;

use super::{
    gateway_job::{self, Purpose},
    python,
};
use crate::{
    engine::Owner,
    python::{Kind, Work},
    run::Run,
};

/// Runs a unit test and returns its result.
pub(crate) fn run(
    run: &Run,
    unique_id: &str,
    work: &UnitTestWork,
) -> Result<NodeResult, PluginError> {
    let owner = Owner {
        unique_id,
        ..Owner::default()
    };
    gateway_job::run(run, owner, Purpose::UnitTest, |token, test| {
        let cwd = run.cwd();
        let model = test
            .get("model")
            .and_then(Value::as_str)
            .unwrap_or(unique_id);
        let of_packages = || run.python.packages()?.name(model);
        run.run_job(&Work {
            kind: if work.dbt_native {
                Kind::Native
            } else {
                Kind::Script
            },
            name: run.name_of(model),
            unit_test: Some(test),
            environment: work.python.environment.as_deref().or_else(of_packages),
            ..python::work_of(run, unique_id, &work.python, token, &cwd)
        })
    })
}
