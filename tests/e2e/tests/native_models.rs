//! Models as dbt defines them, `def model(dbt, session)`.

use fal_e2e::Project;
use serde_json::json;

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn tables_and_incremental_models_run_in_processes_of_their_own() {
    let project = Project::copy_of("native");
    let ended = project.run(&["run"]);
    ended.expect(1).says("doubled | native models print too");
    assert_eq!(
        project.results(),
        [
            "below_native success",
            "below_script success",
            "doubled success",
            "exits error",
            "growing success",
            "orders success",
            "script success",
        ],
        "{ended}"
    );
    assert_eq!(project.query("from doubled order by id"), json!([[2], [4]]));
    assert_eq!(project.query("from below_native order by id"), json!([[2], [4]]));
    assert_eq!(project.query("from below_script"), json!([[12]]));
    assert_eq!(project.query("from growing order by id"), json!([[1], [2]]));

    project.remove("models/exits.py");
    project.write("models/orders.sql", "select unnest([0, 2, 3]) as id");
    project.run(&["run"]).expect(0);
    assert_eq!(project.query("from growing order by id"), json!([[1], [2], [3]]), "only what is newer was added");
    project.run(&["run", "--full-refresh", "--select", "growing"]).expect(0);
    assert_eq!(project.query("from growing order by id"), json!([[0], [2], [3]]));
    project.nothing_is_left();
}
