//! The backend with its own worker, over dbt and DuckDB. Needs `FAL_TEST_DBT_PYTHON`: a Python
//! with dbt, dbt-duckdb, pandas and pyarrow; `cargo xtask test` sets it.

mod interruption;
mod leases;
mod project;
mod run;
mod script;
