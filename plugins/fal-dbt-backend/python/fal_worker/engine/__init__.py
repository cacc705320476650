"""The session process: imports dbt once, parses once, runs nodes when the supervisor says."""
