"""Materializations of dbt over staged tables."""
