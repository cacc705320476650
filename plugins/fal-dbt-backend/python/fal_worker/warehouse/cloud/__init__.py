"""Warehouses that load files: Snowflake, BigQuery, Databricks, Redshift, Trino."""
