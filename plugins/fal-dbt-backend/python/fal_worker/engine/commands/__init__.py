"""The second engine: a session over the `dbt` command, for a dbt whose inside the first one does not know."""
