"""dbt unit tests of Python models and notebooks."""
