//! Tests of a run's output on the terminal.

use std::io::{self, ErrorKind, Write};
use std::thread;

use fal_plugin::payload::{LogLevel, NodeStatus};
use jiff::tz::TimeZone;

use super::{TerminalOptions, TerminalReporter};
use crate::sample::{self, Page, at};
use crate::{EventKind, NodeKind, Reporter as _, Reporters, RunEvent, SkipCause, Theme};

fn options() -> TerminalOptions {
    TerminalOptions {
        time_zone: TimeZone::UTC,
        ..TerminalOptions::default()
    }
}

fn show(events: &[RunEvent], options: TerminalOptions) -> (String, String) {
    let (out, err) = (Page::default(), Page::default());
    let mut reporter = TerminalReporter::new(out.boxed(), err.boxed(), options);
    events.iter().for_each(|event| reporter.event(event));
    reporter.finish().unwrap();
    (out.text(), err.text())
}

fn show_kinds(kinds: impl IntoIterator<Item = EventKind>, options: TerminalOptions) -> String {
    let events: Vec<_> = kinds
        .into_iter()
        .map(|kind| RunEvent::new(at(0), kind))
        .collect();
    show(&events, options).0
}

#[test]
fn success() {
    let (out, err) = show(&sample::success(), options());
    insta::assert_snapshot!(out, @"
    12:03:14  Wrote stub models/fal/customer_clusters.sql
    12:03:14  Removed stub models/fal/old.sql: its model is gone
    12:03:14  Updated .dbtignore
    12:03:14  Running with fal-host 0.1.0, dbt 1.11.2, duckdb 1.10.0
    12:03:14  Found 2 models, 1 notebook model, 1 python model, 1 seed
    12:03:14  Concurrency: 2 threads (target='dev')

    12:03:14  1 of 5 START seed file main.raw_orders ......................................... [RUN]
    12:03:14  1 of 5 OK loaded seed file main.raw_orders ..................................... [INSERT 2 in 0.13s]
    12:03:15  2 of 5 START sql view model main.stg_orders .................................... [RUN]
    12:03:15  2 of 5 OK created sql view model main.stg_orders ............................... [OK in 0.10s]
    12:03:15  3 of 5 START python table model main.customer_clusters ......................... [RUN]
    12:03:15  4 of 5 START notebook table model main.forecast ................................ [RUN]
    12:03:16  customer_clusters | fitting 3 clusters
    12:03:16  forecast | epoch 1
    12:03:16  customer_clusters | 100%|####|
    12:03:16  forecast |
    12:03:17  3 of 5 OK created python table model main.customer_clusters .................... [2000 rows in 0.41s]
    12:03:17  5 of 5 START test unique_stg_orders_id ......................................... [RUN]
    12:03:17  5 of 5 PASS unique_stg_orders_id ............................................... [PASS in 0.03s]
    12:03:17  4 of 5 OK created notebook table model main.forecast ........................... [1 row in 1.20s]

    12:03:18  Finished running 1 data test, 1 notebook model, 1 python model, 1 seed, 1 view model in 0 hours 0 minutes and 3.21 seconds (3.21s).

    12:03:18  Completed successfully

    12:03:18  Done. PASS=5 WARN=0 ERROR=0 SKIP=0 NO-OP=0 TOTAL=5
    ");
    assert_eq!(err, "");
}

#[test]
fn failure_with_traceback_skip_and_warning() {
    let (out, err) = show(&sample::failure(), options());
    insta::assert_snapshot!(out, @r#"
    12:03:14  Running with fal-host 0.1.0, dbt 1.11.2, duckdb 1.10.0
    12:03:14  Found 2 models, 1 notebook model, 1 python model, 1 seed
    12:03:14  Concurrency: 2 threads (target='dev')

    12:03:14  1 of 4 START sql view model main.stg_orders .................................... [RUN]
    12:03:14  2 of 4 START python table model main.customer_clusters ......................... [RUN]
    12:03:14  1 of 4 ERROR creating sql view model main.stg_orders ........................... [ERROR in 0.20s]
    12:03:15  customer_clusters | about to fail
    12:03:15  2 of 4 ERROR creating python table model main.customer_clusters ................ [ERROR in 0.50s]
    12:03:15  3 of 4 SKIP relation main.report (because of customer_clusters) ................ [SKIP]
    12:03:15  4 of 4 START test unique_stg_orders_id ......................................... [RUN]
    12:03:16  4 of 4 WARN 2 unique_stg_orders_id ............................................. [WARN 2 in 0.02s]

    12:03:16  Finished running 1 data test, 1 python model, 1 table model, 1 view model in 1 hour 2 minutes and 3.46 seconds (3723.46s).

    12:03:16  Completed with 2 errors, 0 partial successes, and 1 warning:

    12:03:16  Failure in model stg_orders (models/staging/stg_orders.sql)
      Binder Error: no column "nope"
      Candidate bindings: "id"

      compiled code at target/compiled/shop/models/staging/stg_orders.sql

    12:03:16  Failure in model customer_clusters (models/customer_clusters.py)
      Traceback (most recent call last):
        File "models/customer_clusters.py", line 12, in <module>
          labels = fit(frame)
        File "models/customer_clusters.py", line 7, in fit
          raise ValueError("no customers")
      ValueError: no customers

    12:03:16  Warning in test unique_stg_orders_id (models/schema.yml)
      Got 2 results, configured to warn if != 0

    12:03:16  Done. PASS=0 WARN=1 ERROR=2 SKIP=1 NO-OP=0 TOTAL=4
    "#);
    assert_eq!(err, "");
}

#[test]
fn scripts_are_lines_like_nodes_and_hooks_that_fail_are_named() {
    let (out, err) = show(&sample::scripts(), options());
    insta::assert_snapshot!(out, @"
    12:03:14  Running with fal-host 0.1.0, dbt 1.11.2, duckdb 1.10.0
    12:03:14  Found 2 models, 1 notebook model, 1 python model, 1 seed
    12:03:14  Concurrency: 2 threads (target='dev')

    12:03:14  1 of 3 START script load.py (before customer_clusters) ......................... [RUN]
    12:03:14  load.py (before customer_clusters) | loading
    12:03:14  1 of 3 OK script load.py (before customer_clusters) ............................ [OK in 0.10s]
    12:03:15  2 of 3 START python table model main.customer_clusters ......................... [RUN]
    12:03:15  ERROR script check.py (pre-hook of customer_clusters) .......................... [ERROR in 0.20s]
    12:03:15  2 of 3 ERROR creating python table model main.customer_clusters ................ [ERROR in 0.30s]
    12:03:16  3 of 3 SKIP script tell.ipynb (after customer_clusters) (because of customer_clusters) [SKIP]

    12:03:16  Finished running 1 python model, 2 scripts in 0 hours 0 minutes and 1.50 seconds (1.50s).

    12:03:16  Completed with 1 error, 0 partial successes, and 0 warnings:

    12:03:16  Failure in model customer_clusters (models/customer_clusters.py)
      The pre-hook scripts/check.py failed, so the model did not run
      Traceback (most recent call last):
        ...
      ValueError: too few rows

    12:03:16  Done. PASS=1 WARN=0 ERROR=1 SKIP=1 NO-OP=0 TOTAL=3
    ");
    assert_eq!(err, "");
}

#[test]
fn interrupted() {
    insta::assert_snapshot!(show(&sample::interrupted(), options()).0, @"
    12:03:14  Running with fal-host 0.1.0, dbt 1.11.2, duckdb 1.10.0
    12:03:14  Found 2 models, 1 notebook model, 1 python model, 1 seed
    12:03:14  Concurrency: 2 threads (target='dev')

    12:03:14  1 of 3 START sql view model main.stg_orders .................................... [RUN]
    12:03:14  1 of 3 OK created sql view model main.stg_orders ............................... [OK in 0.10s]
    12:03:14  2 of 3 START python table model main.customer_clusters ......................... [RUN]
    12:03:15  Interrupted: cancelling 1 node (customer_clusters)
    12:03:15  2 of 3 ERROR creating python table model main.customer_clusters ................ [ERROR in 0.75s]

    12:03:15  Finished running 1 python model, 1 view model in 0 hours 0 minutes and 1.50 seconds (1.50s).
    12:03:15  Left out 1 node because the run was interrupted.

    12:03:15  Exited because of keyboard interrupt

    12:03:15  Failure in model customer_clusters (models/customer_clusters.py)
      Interrupted

    12:03:15  Done. PASS=1 WARN=0 ERROR=1 SKIP=1 NO-OP=0 TOTAL=3
    ");
}

#[test]
fn warnings_go_to_the_second_writer() {
    let (out, err) = show(&sample::messages(), options());
    insta::assert_snapshot!(out, @"12:03:14  1 of 1 START hook");
    insta::assert_snapshot!(err, @"
    12:03:14  [WARNING]: model reads 'x', which it does not declare
    add - ref('x') to its docstring
    12:03:14  [WARNING]: dbt said so itself
    12:03:15  [ERROR]: the session is gone
    error: dbt cannot read the project [dbt::parse]
      caused by: orders.sql is not UTF-8
    help: save it as UTF-8
    dependency::unresolved

      ⚠ cannot tell what `ref(name)` reads
       ╭─[models/dynamic.py:4:6]
     3 │ name = pick()
     4 │ df = ref(name)
       ·      ────┬────
       ·          ╰── known only when it runs
     5 │ write_to_model(df)
       ╰────
      help: name it in the module's docstring: `- ref('...')`
    ");
}

#[test]
fn debug_shows_debug_messages() {
    let (out, _) = show(
        &sample::messages(),
        TerminalOptions {
            debug: true,
            ..options()
        },
    );
    assert!(out.contains("acquired a connection"), "{out}");
}

#[test]
fn quiet_shows_errors_only() {
    let quiet = TerminalOptions {
        quiet: true,
        ..options()
    };
    assert_eq!(
        show(&sample::success(), quiet.clone()),
        (String::new(), String::new())
    );
    insta::assert_snapshot!(show(&sample::failure(), quiet.clone()).0, @r#"
    12:03:14  1 of 4 ERROR creating sql view model main.stg_orders ........................... [ERROR in 0.20s]
    12:03:15  2 of 4 ERROR creating python table model main.customer_clusters ................ [ERROR in 0.50s]
    12:03:16  Failure in model stg_orders (models/staging/stg_orders.sql)
      Binder Error: no column "nope"
      Candidate bindings: "id"

      compiled code at target/compiled/shop/models/staging/stg_orders.sql
    12:03:16  Failure in model customer_clusters (models/customer_clusters.py)
      Traceback (most recent call last):
        File "models/customer_clusters.py", line 12, in <module>
          labels = fit(frame)
        File "models/customer_clusters.py", line 7, in fit
          raise ValueError("no customers")
      ValueError: no customers
    "#);
    assert_eq!(
        show(&sample::messages(), quiet).1,
        "12:03:15  [ERROR]: the session is gone\nerror: dbt cannot read the project [dbt::parse]\n  \
         caused by: orders.sql is not UTF-8\nhelp: save it as UTF-8\n"
    );
}

#[test]
fn colours_as_dbt_has_them() {
    let colored = TerminalOptions {
        out: Theme::COLOR,
        err: Theme::COLOR,
        ..options()
    };
    let escapes = |text: String| text.replace('\u{1b}', "^");
    let failure = escapes(show(&sample::failure(), colored.clone()).0);
    let mut plain = failure.clone();
    for escape in ["^[31m", "^[33m", "^[36m", "^[0m"] {
        plain = plain.replace(escape, "");
    }
    assert_eq!(
        plain,
        show(&sample::failure(), options()).0,
        "only colours differ"
    );
    let with_colour: Vec<_> = failure.lines().filter(|line| line.contains('^')).collect();
    insta::assert_snapshot!(with_colour.join("\n"), @"
    12:03:14  1 of 4 ERROR creating sql view model main.stg_orders ........................... [^[31mERROR^[0m in 0.20s]
    12:03:15  ^[36mcustomer_clusters^[0m | about to fail
    12:03:15  2 of 4 ERROR creating python table model main.customer_clusters ................ [^[31mERROR^[0m in 0.50s]
    12:03:15  3 of 4 SKIP relation main.report (because of customer_clusters) ................ [^[33mSKIP^[0m]
    12:03:16  4 of 4 WARN 2 unique_stg_orders_id ............................................. [^[33mWARN 2^[0m in 0.02s]
    12:03:16  ^[31mCompleted with 2 errors, 0 partial successes, and 1 warning:^[0m
    12:03:16  ^[31mFailure in model stg_orders (models/staging/stg_orders.sql)^[0m
    12:03:16  ^[31mFailure in model customer_clusters (models/customer_clusters.py)^[0m
    12:03:16  ^[33mWarning in test unique_stg_orders_id (models/schema.yml)^[0m
    ");
    let success = escapes(show(&sample::success(), colored).0);
    let printed: Vec<_> = success
        .lines()
        .filter(|line| line.contains(" | "))
        .collect();
    insta::assert_snapshot!(printed.join("\n"), @"
    12:03:16  ^[36mcustomer_clusters^[0m | fitting 3 clusters
    12:03:16  ^[36mforecast^[0m | ^[32mepoch 1^[0m
    12:03:16  ^[36mcustomer_clusters^[0m | 100%|####|
    ");
}

#[test]
fn without_colour_no_escape_sequence_is_left() {
    for events in [
        sample::success(),
        sample::failure(),
        sample::interrupted(),
        sample::messages(),
    ] {
        let (out, err) = show(&events, options());
        assert!(
            !out.contains('\u{1b}') && !err.contains('\u{1b}'),
            "{out}{err}"
        );
    }
}

#[test]
fn a_narrow_terminal_has_fewer_dots() {
    let (out, _) = show(
        &sample::success(),
        TerminalOptions {
            width: Some(80),
            ..options()
        },
    );
    let lines: Vec<_> = out.lines().filter(|line| line.contains(" of 5 ")).collect();
    insta::assert_snapshot!(lines.join("\n"), @"
    12:03:14  1 of 5 START seed file main.raw_orders ....... [RUN]
    12:03:14  1 of 5 OK loaded seed file main.raw_orders ... [INSERT 2 in 0.13s]
    12:03:15  2 of 5 START sql view model main.stg_orders .. [RUN]
    12:03:15  2 of 5 OK created sql view model main.stg_orders [OK in 0.10s]
    12:03:15  3 of 5 START python table model main.customer_clusters [RUN]
    12:03:15  4 of 5 START notebook table model main.forecast [RUN]
    12:03:17  3 of 5 OK created python table model main.customer_clusters [2000 rows in 0.41s]
    12:03:17  5 of 5 START test unique_stg_orders_id ....... [RUN]
    12:03:17  5 of 5 PASS unique_stg_orders_id ............. [PASS in 0.03s]
    12:03:17  4 of 5 OK created notebook table model main.forecast [1 row in 1.20s]
    ");
}

#[test]
fn nodes_left_out_are_counted_not_listed() {
    let skip = |cause| EventKind::NodeSkipped {
        index: 1,
        total: 9,
        node: sample::report(),
        cause,
    };
    let summary = [NodeStatus::Skipped; 2].into_iter().collect();
    let end = EventKind::RunFinished {
        summary,
        elapsed: 1.0,
    };
    let text = show_kinds(
        [skip(SkipCause::FailFast), skip(SkipCause::FailFast), end],
        options(),
    );
    insta::assert_snapshot!(text.trim_start(), @"
    12:03:14  Finished running nothing in 0 hours 0 minutes and 1.00 seconds (1.00s).
    12:03:14  Left out 2 nodes because another failed (--fail-fast).

    12:03:14  Completed successfully

    12:03:14  Done. PASS=0 WARN=0 ERROR=0 SKIP=2 NO-OP=0 TOTAL=2
    ");
}

#[test]
fn every_kind_has_its_words() {
    let kinds = [
        NodeKind::Snapshot,
        NodeKind::UnitTest,
        NodeKind::Exposure,
        NodeKind::SavedQuery,
        NodeKind::Function,
        NodeKind::Hook,
    ];
    let statuses = [
        NodeStatus::Success,
        NodeStatus::Error,
        NodeStatus::NoOp,
        NodeStatus::PartialSuccess,
    ];
    let lines = kinds
        .into_iter()
        .zip(statuses.into_iter().cycle())
        .map(|(kind, status)| {
            let node = sample::node(kind, "thing", "", "models/thing.yml");
            let result = sample::result(&node, status, 0.5);
            sample::finished(u64::from(kind != NodeKind::Hook), 6, node, result)
        });
    insta::assert_snapshot!(show_kinds(lines, options()), @"
    12:03:14  1 of 6 OK snapshotted main.thing ............................................... [OK in 0.50s]
    12:03:14  1 of 6 ERROR thing ............................................................. [ERROR in 0.50s]
    12:03:14  1 of 6 NO-OP exposure thing .................................................... [NO-OP in 0.50s]
    12:03:14  1 of 6 PARTIALLY saved_query thing ............................................. [PARTIAL SUCCESS in 0.50s]
    12:03:14  1 of 6 OK created function thing ............................................... [OK in 0.50s]
    12:03:14  ERROR hook: thing .............................................................. [ERROR in 0.50s]
    ");
}

#[test]
fn a_failure_that_belongs_to_no_node_is_no_success() {
    let shown = show_kinds(
        [sample::run_finished(
            &[NodeStatus::Success, NodeStatus::Error],
            1.0,
        )],
        options(),
    );
    assert!(
        shown.contains("Completed with 1 error, 0 partial successes, and 0 warnings"),
        "{shown}"
    );
}

#[test]
fn what_ended_without_a_message_is_said_by_its_status() {
    let statuses = [
        NodeStatus::Warn,
        NodeStatus::Fail,
        NodeStatus::Error,
        NodeStatus::PartialSuccess,
    ];
    let lines = statuses.into_iter().map(|status| {
        let node = sample::node(NodeKind::Test, status.as_str(), "", "models/thing.yml");
        let mut result = sample::result(&node, status, 0.5);
        result.message = None;
        sample::finished(1, 4, node, result)
    });
    let page = show_kinds(
        lines.chain([sample::run_finished(&statuses, 1.0)]),
        options(),
    );
    let said: Vec<&str> = page
        .lines()
        .filter_map(|line| line.trim().strip_prefix("Status: "))
        .collect();
    assert_eq!(said, ["fail", "error", "partial success", "warn"]);
}

/// Several nodes print at once. Each line must come from one node and carry its name.
#[test]
fn lines_of_models_that_print_at_once_stay_whole() {
    const LINES: usize = 200;
    let page = Page::default();
    let reporters = Reporters::new();
    reporters.add(TerminalReporter::new(
        page.boxed(),
        Page::default().boxed(),
        options(),
    ));
    thread::scope(|scope| {
        for node in [sample::clusters(), sample::forecast(), sample::staging()] {
            let reporters = &reporters;
            scope.spawn(move || {
                (0..LINES).for_each(|number| {
                    reporters.emit(
                        at(0),
                        sample::output(&node, &format!("{} {number}", node.name)),
                    )
                });
            });
        }
    });
    reporters.finish().unwrap();
    let text = page.text();
    assert_eq!(text.lines().count(), 3 * LINES);
    for node in [sample::clusters(), sample::forecast(), sample::staging()] {
        let name = &node.name;
        let own: Vec<_> = text
            .lines()
            .filter(|line| line.contains(&format!("  {name} | ")))
            .collect();
        let expected: Vec<_> = (0..LINES)
            .map(|number| format!("12:03:14  {name} | {name} {number}"))
            .collect();
        assert_eq!(own, expected);
    }
}

/// A writer that fails, and counts how often it was asked.
struct Failing(ErrorKind);

impl Write for Failing {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(self.0.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Err(self.0.into())
    }
}

#[test]
fn a_reader_that_went_away_is_no_error_but_a_full_disk_is() {
    for (kind, expected) in [
        (ErrorKind::BrokenPipe, Ok(())),
        (ErrorKind::StorageFull, Err(ErrorKind::StorageFull)),
    ] {
        let mut reporter =
            TerminalReporter::new(Box::new(Failing(kind)), Page::default().boxed(), options());
        sample::failure()
            .iter()
            .for_each(|event| reporter.event(event));
        assert_eq!(reporter.finish().map_err(|error| error.kind()), expected);
    }
}

#[test]
fn many_lines_of_a_message_stay_together() {
    let text = show_kinds(
        [sample::log(LogLevel::Info, "first\n  second\u{1b}[2J\n")],
        options(),
    );
    assert_eq!(text, "12:03:14  first\n  second\n");
}
