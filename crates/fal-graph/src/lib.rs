//! The DAG of a dbt project with Python models: cycles, selection, scheduling. No IO.
