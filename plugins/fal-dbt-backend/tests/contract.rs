//! Checks the contract of the stage with the stand-in worker.

use std::{env, fs, path::Path};

use fal_dbt_backend::DbtBackend;
use fal_plugin_testkit::{execution_backend, Outcome};
use tempfile::TempDir;

/// The stand-in worker, which then looks for a project as the real one does.
fn worker() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let package = folder.path().join("fal_worker");
    fs::create_dir(&package).unwrap();
    let stand_in = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/stand_in/fal_worker");
    for name in ["__init__.py", "engine.py", "wire.py", "zygote.py"] {
        let text = fs::read_to_string(stand_in.join(name)).unwrap();
        let found = "def load(request):\n    return {'error': {'code': 'dbt::no_project', 'message': 'there is no dbt_project.yml', 'help': None}}\n";
        fs::write(
            package.join(name),
            text.replace("def load(request):\n", found),
        )
        .unwrap();
    }
    folder
}

#[test]
fn the_whole_contract_holds() {
    // The kit names no interpreter, like most users. Setting a variable is safe: this is the only
    // test of its process.
    if let Some(python) = env::var_os("FAL_TEST_PYTHON") {
        env::set_var("FAL_HOST_PYTHON", python);
    }
    let worker = worker();
    let backend = DbtBackend::new(&serde_json::Value::Null)
        .unwrap()
        .with_worker(worker.path());
    let report = execution_backend(&backend);
    report.assert_ok();
    // Only what is asked of runners.
    let unchecked = report
        .cases
        .iter()
        .filter(|case| matches!(case.outcome, Outcome::Skipped { .. }));
    let unchecked: Vec<_> = unchecked
        .map(|case| case.info.name.trim_start_matches("execution-backend/"))
        .collect();
    assert_eq!(
        unchecked,
        ["needs-a-lease", "runs-the-script", "cancel-running"],
        "{report}"
    );
}
