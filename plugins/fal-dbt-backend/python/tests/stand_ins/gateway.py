"""A data gateway over an in-memory DuckDB, without dbt.

It follows docs/notes/worker-protocol.md.
"""

import json
import threading

import duckdb
import pyarrow
from pyarrow import flight

TOKEN = "t0ken"


class FakeGateway(flight.FlightServerBase):
    """A data gateway that records the commands it gets and the tables that jobs write.

    Relations are tables of `connection`; those of sources are named `source.table`.
    """

    def __init__(self, socket):
        self.location = f"grpc+unix://{socket}"
        super().__init__(self.location)
        self.connection = duckdb.connect(":memory:")
        self.connection.execute("set TimeZone = 'UTC'")
        self.tables = {}
        self.commands = []
        self.written = {}
        self.batches = 0
        self.refusal = None
        self.context = {
            "current_model": {"name": "m", "alias": "m_alias", "meta": {"owner": "ann"}},
            "this": '"main"."m"',
        }
        self._lock = threading.Lock()

    def query(self, sql):
        """Replaces the rows of a relation by a DuckDB query, whose types it keeps."""
        with self._lock:
            return _table(self.connection.sql(sql))

    def do_get(self, context, ticket):
        command = self._command(ticket.ticket)
        return flight.RecordBatchStream(self._rows(command))

    def _rows(self, command):
        if command["op"] == "sql":
            try:
                return self.query(command["sql"])
            except duckdb.Error as error:
                raise refused("gateway::sql", str(error), None) from None
        name = command["relation"] if command["op"] == "relation" else ".".join(command["args"])
        if name not in self.tables:
            raise refused("gateway::unknown", f"there is no {name!r}", "Declare it.")
        return self.tables[name]

    def do_put(self, context, descriptor, reader, writer):
        command = self._command(descriptor.command)
        if self.refusal:
            raise refused("gateway::refused", self.refusal, None)
        if command["op"] in self.written:
            raise refused("gateway::second_write", "a second write", None)
        batches = []
        for chunk in reader:
            if chunk.data is not None:
                self.batches += 1
                batches.append(chunk.data)
        self.written[command["op"]] = pyarrow.Table.from_batches(batches, reader.schema)

    def do_action(self, context, action):
        self._command(action.body.to_pybytes())
        answers = {
            "list_models": [{"name": "a", "unique_id": "model.p.a", "status": "success"}],
            "list_models_ids": {"model.p.a": "success"},
            "list_sources": [{"name": "t", "source_name": "s"}],
            "list_tests": [
                {"name": "not_null", "model_name": "a", "column": "x", "status": "pass"}
            ],
            "list_features": [
                {"model": "a", "column": "x", "entity_column": "id", "timestamp_column": "at"}
            ],
            "context": self.context,
            "is_incremental": True,
            "warehouse": {"has_structs": True},
        }
        yield flight.Result(json.dumps(answers[action.type]).encode())

    def _command(self, data):
        command = json.loads(data)
        self.commands.append(command)
        if command["token"] != TOKEN:
            raise refused("gateway::token", "unknown token", None)
        return command

    @property
    def model(self):
        """The table that the model wrote."""
        return self.written["write_to_model"]


def refused(code, message, help):
    return flight.FlightServerError(json.dumps({"code": code, "message": message, "help": help}))


def _table(relation):
    return (
        relation.to_arrow_table()
        if hasattr(relation, "to_arrow_table")
        else relation.fetch_arrow_table()
    )
