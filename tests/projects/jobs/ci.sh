# A job of a dbt project.
dbt --version
dbt deps
dbt seed --full-refresh
dbt compile --select orders+
dbt --no-use-colors run --exclude tag:broken --threads 2
dbt test --select orders
dbt snapshot
dbt source freshness
dbt run-operation note --args '{text: hello}'
dbt --warn-error build --select broken --fail-fast
dbt retry --vars '{broken: false}'
dbt docs generate
dbt run --target prod --select orders totals
cp -r target state
dbt clone --state state --target copy --select orders totals
dbt nonsense
dbt clean
