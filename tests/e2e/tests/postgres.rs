//! A project on PostgreSQL: SQL, Python and notebooks on a server that `cargo xtask test` starts.

use fal_e2e::Project;
use serde_json::json;

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn sql_python_and_notebooks_feed_each_other_dbt_tests_what_they_made_and_a_failure_changes_nothing()
{
    let shop = Project::copy_of("postgres").on_postgres();
    shop.run("generate").expect(0);
    shop.dbt("seed").expect(0);
    let ended = shop.run("run");
    ended.expect(0).says("totals | 3 customers");
    let report =
        shop.query("select customer, amount, scaled, place from shop.report order by place");
    assert_eq!(
        report,
        json!([
            ["cid", "40.00", "400.00", 1],
            ["bob", "20.25", "202.50", 2],
            ["ann", "15.50", "155.00", 3]
        ])
    );
    assert_eq!(
        shop.query("select * from shop.log"),
        json!([["report", "success"]])
    );
    ended.says("rows in the report: 3");
    shop.dbt("test").expect(0).says("ERROR=0");
    // A second run replaces all of it, also what dbt's views hang on; what the first one's script wrote stays.
    shop.run("run").expect(0);
    assert_eq!(shop.query("select * from shop.top"), json!([["cid"]]));
    assert_eq!(shop.query("select count(*) from shop.log"), json!([[2]]));
    assert_eq!(
        shop.query("select count(*) from pg_class where relname like 'fal%'"),
        json!([[0]])
    );

    // A model that fails after its write leaves the old table.
    let code = "orders = ref('stg_orders')\nwrite_to_model(orders[['id']])\nraise ValueError('too late')\n";
    shop.write("models/totals.py", code);
    let ended = shop.run("run --select totals");
    ended.expect(1).says("ValueError: too late");
    let columns =
        "select attname from pg_attribute where attrelid = 'shop.totals'::regclass and attnum > 0";
    assert_eq!(
        shop.query(columns),
        json!([["customer"], ["amount"], ["scaled"]])
    );
}
