//! Traces and lineage of runs whose calls of dbt run nodes before the host asks for them.

use fal_e2e::Collector;

use super::Engine;
use crate::telemetry::{assert_lineage, assert_nested, assert_parents, project, with_lineage};

#[test]
#[ignore = "needs dbt 2: cargo xtask test --only dbt2"]
fn a_run_is_a_trace_and_lineage() {
    let (project, collector) = (project(), Collector::start());
    let traces = Collector::start();
    let mut command = Engine::Dbt2.host(&project, "run");
    with_lineage(&mut command, &collector);
    command
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", traces.address())
        .env("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json");
    project.finish(command).expect(1);
    assert_lineage(&project, &collector, "duckdb://shop.duckdb");
    let spans = traces.spans();
    assert_nested(&spans);
    assert_parents(
        &spans,
        &[
            ("model orders", "run shop"),
            ("model total", "run shop"),
            ("read orders", "compute"),
        ],
    );
}
