import pandas
import polars


def model(dbt, session):
    dbt.config(meta={"factor": 10})
    count = session.sql(f"select count(*) as n from {dbt.ref('orders', as_='name')}")
    numbers = dbt.source("raw", "numbers")
    assert dbt.config.get("materialized") == "table" and dbt.this.identifier == "parts" and not dbt.is_incremental

    def parts():
        some = dbt.ref("orders", as_="polars", columns=["ID"], where="id < 2", limit=5)
        assert isinstance(some, polars.DataFrame)
        yield some.with_columns(kind=polars.lit("polars"))
        yield pandas.DataFrame({"id": [100], "kind": [str(numbers.shape[1])]})
        yield dbt.ref("orders", as_="arrow").slice(1, 1).append_column("kind", [[str(len(count))]])

    return parts()
