//! Execution backend plugin: a dbt session, Python runners and the data gateway.
