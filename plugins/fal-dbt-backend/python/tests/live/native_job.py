"""A job for a dbt-native Python model, in the test's own process."""

from __future__ import annotations

from typing import Any

from .job_client import GatewayError, JobClient


def run(event: dict[str, Any]) -> dict[str, Any]:
    """Runs a native job as the protocol describes; returns the fields of `python_job_done`.

    Where dbt has no Python, the model gets Arrow tables; otherwise it gets DuckDB relations.
    """
    client = JobClient(event["location"], event["token"])
    session = _DuckDB(client) if "def materialize(" in event["code"] else _Session(client)
    module: dict[str, Any] = {"__name__": "model"}
    try:
        exec(compile(event["code"], event["path"], "exec"), module)
        df = module["model"](module["dbtObj"](session.load), session)
        client.write(
            df.to_arrow_table() if hasattr(df, "to_arrow_table") else df, op="write_relation"
        )
    except (Exception, GatewayError) as error:
        return {
            "job": event["job"],
            "ok": False,
            "error": {"kind": "exception", "message": str(error), "traceback": None},
        }
    return {"job": event["job"], "ok": True, "error": None}


class _Session:
    def __init__(self, client: JobClient) -> None:
        self._client = client

    def load(self, relation: str) -> Any:
        return self._client.read("relation", relation=relation)

    def sql(self, text: str) -> Any:
        return self._client.sql(text, raw=True)


class _DuckDB(_Session):
    def __init__(self, client: JobClient) -> None:
        import duckdb

        super().__init__(client)
        self._local = duckdb.connect()

    def load(self, relation: str) -> Any:
        return self._local.from_arrow(super().load(relation))

    def sql(self, text: str) -> Any:
        return self._local.from_arrow(super().sql(text))
