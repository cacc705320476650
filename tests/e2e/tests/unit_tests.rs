//! dbt's unit tests of Python models and notebooks: the model's code on given rows, without the warehouse.

use fal_e2e::{Ended, Project, redact};
use rustix::process::Signal;

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn a_unit_test_runs_ahead_of_its_model_and_one_that_fails_skips_it() {
    let project = Project::copy_of("unit_tests");
    let ended = project.run("build --threads 1");
    ended.expect(1);
    assert_eq!(
        project.statuses_for_dbt(),
        "error: dies.crashes leaky.leaks ranked.no_such_column ranked.no_type \
         scores.raises totals.no_this totals.not_given; fail: totals.wrong; pass: \
         ranked.top scores.scored totals.overridden totals.sums; skipped: \
         below_totals dies leaky ranked scores totals; success: known_customers \
         orders payments",
        "{ended}"
    );
    ended
        .says("sums | total of 2 customers")
        .says("Done. PASS=7 WARN=0 ERROR=8 SKIP=6 NO-OP=0 TOTAL=21");
    insta::assert_snapshot!(failures(&ended, &project), @r#"
    TIME  Failure in unit test wrong (models/failing_unit_tests.yml)


      actual differs from expected:

      @@ ,customer,amount,first                ,big
      →  ,a       ,11→10 ,2024-01-02           ,False
      →  ,b       ,0.3   ,2024-01-03→2024-01-02,False
      ---,c       ,null  ,null                 ,null

    TIME  Failure in unit test not_given (models/failing_unit_tests.yml)
      Traceback (most recent call last):
        File "models/totals.py", line 8, in <module>
          known = source("crm", "customers")
      FalError: fal: the model reads source('crm', 'customers'), which the unit test not_given does not give
      Add it to `given`, with `rows: []` if its rows do not matter. Given: ref('orders').

    TIME  Failure in unit test no_this (models/failing_unit_tests.yml)
      Traceback (most recent call last):
        File "models/totals.py", line 12, in <module>
          orders = orders[orders["paid_on"] > execute_sql("select max(first) as first from {{ this }}")["first"][0]]
      FalError: The SQL reads {{ this }}, which the unit test no_this does not give
      Add `input: this` to `given`, with the rows of the model's table.

    TIME  Failure in unit test raises (models/failing_unit_tests.yml)
      Traceback (most recent call last):
        File "models/scores.ipynb", Cell 2, line 1, in <module>
          assert payments['amount'].min() > 0, 'a payment of nothing'
      AssertionError: a payment of nothing

    TIME  Failure in unit test no_such_column (models/failing_unit_tests.yml)
      Invalid column name: 'nope' in unit test fixture for expected output.
      Accepted columns for expected output are: ['id', 'amount']

    TIME  Failure in unit test no_type (models/failing_unit_tests.yml)
      ref('orders'): column 'id' is declared as bigint: 'one' is no number

    TIME  Failure in unit test leaks (models/failing_unit_tests.yml)
      Traceback (most recent call last):
        File "models/leaky.py", line 2, in <module>
          write_to_source(payments, "crm", "copy")
      FalError: fal: the unit test leaks does not write to a source
      A unit test looks at the rows of its model alone.

    TIME  Failure in unit test crashes (models/failing_unit_tests.yml)
      the model's process was killed by signal 9 (SIGKILL); the system does that when memory runs out
    "#);
    let results = project.json("target/run_results.json");
    let wrong = results["results"]
        .as_array()
        .unwrap()
        .iter()
        .find(|result| result["status"] == "fail")
        .unwrap();
    assert_eq!(wrong["failures"], 1);
    assert_eq!(wrong["unique_id"], "unit_test.shop.totals.wrong");
    assert!(
        wrong["message"]
            .as_str()
            .unwrap()
            .starts_with("\n\nactual differs from expected:\n\n@@ ,customer")
    );

    // The tests that failed run again, and the models behind them once their tests pass.
    project
        .remove("models/failing_unit_tests.yml")
        .remove("models/leaky.py")
        .remove("models/dies.py");
    let ended = project.run("retry");
    ended.expect(0);
    assert_eq!(
        project.statuses(),
        "success: below_totals ranked scores totals",
        "{ended}"
    );
    project.nothing_is_left();
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn unit_tests_of_python_models_need_no_warehouse_and_can_be_interrupted() {
    let project = Project::copy_of("unit_tests");
    let ended = project.run("test --select test_type:unit,totals scored --target away");
    ended
        .expect(1)
        .says("PASS totals::sums")
        .says("PASS totals::overridden")
        .says("PASS scores::scored")
        .says("FAIL 1 totals::wrong");

    project.write("models/scores.py", "");
    let code = "import time\nprint('asleep', flush=True)\ntime.sleep(600)\nwrite_to_model(ref('payments'))\n";
    project.write("models/totals.py", code);
    let mut running = project.start("test --select totals,resource_type:unit_test --target away");
    running.wait_for("sums | asleep");
    running.signal(Signal::INT);
    let ended = running.wait();
    ended.expect(130);
    assert!(
        project.results().contains(&"totals.sums error".to_owned()),
        "{ended}"
    );
    project.nothing_is_left();
}

/// What is said of the nodes that failed, without times, and without the marks below a line, in which Pythons differ.
fn failures(ended: &Ended, project: &Project) -> String {
    let text = redact(&ended.stdout, project);
    let start = text.find("TIME  Failure in").unwrap_or_default();
    let is_mark =
        |line: &str| line.contains('^') && line.trim().chars().all(|char| "^~".contains(char));
    let lines = text[start..]
        .lines()
        .map(str::trim_end)
        .filter(|line| !is_mark(line));
    lines
        .take_while(|line| !line.contains("Done. PASS"))
        .collect::<Vec<_>>()
        .join("\n")
}
