//! Checks the runner against the contract of execution backends.

use fal_command_runner::CommandRunner;
use fal_plugin_testkit::{execution_backend, Need, Outcome};
use serde_json::json;

#[test]
fn the_whole_contract_holds() {
    for config in [
        json!(null),
        json!({"bundle": "file", "command": ["{python}", "{script}"], "concurrency": 2}),
    ] {
        let report = execution_backend(&CommandRunner::new(&config).unwrap());
        report.assert_ok();
        assert_eq!(report.failed(Need::Optional).count(), 0, "{report}");
        let unchecked = report
            .cases
            .iter()
            .filter(|case| matches!(case.outcome, Outcome::Skipped { .. }))
            .count();
        assert_eq!(unchecked, 0, "{report}");
    }
}
