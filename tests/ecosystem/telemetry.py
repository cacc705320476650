"""Builds the project, and reads what it sends with the classes of OpenTelemetry and OpenLineage."""

from __future__ import annotations

import importlib
import inspect
import json
import os
import pkgutil
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import attr
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.generated import base
from openlineage.client.serde import Serde
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

received: list[tuple[str, str, bytes]] = []


class Collector(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        received.append((self.path, self.headers["Content-Type"], body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        pass


def facet_classes() -> dict[str, Any]:
    """The client's classes of facets, by the address of their schema."""
    found: dict[str, Any] = {}
    package = importlib.import_module("openlineage.client.generated")
    for module in pkgutil.iter_modules(package.__path__):
        content = vars(importlib.import_module(f"{package.__name__}.{module.name}"))
        for value in content.values():
            if inspect.isclass(value) and issubclass(value, base.BaseFacet):
                found[value._get_schema()] = value
    return found


CLASSES = facet_classes()


def built(kind: Any, fields: dict[str, Any]) -> Any:
    """An object of the class; a field that the class does not have is an error."""
    known = {field.name: field for field in attr.fields(kind)}
    unknown = set(fields) - set(known)
    assert not unknown, (kind, unknown)
    return kind(**fields)


def facets(found: dict[str, Any]) -> dict[str, Any]:
    made = {}
    for name, facet in found.items():
        kind = CLASSES[facet["_schemaURL"]]
        fields = {key: value for key, value in facet.items() if not key.startswith("_")}
        made[name] = built(kind, fields)
    return made


def run_event(event: dict[str, Any]) -> RunEvent:
    """The client's object for an event."""
    run, job = event["run"], event["job"]
    return RunEvent(
        eventType=RunState[event["eventType"]],
        eventTime=event["eventTime"],
        run=Run(runId=run["runId"], facets=facets(run["facets"])),
        job=Job(namespace=job["namespace"], name=job["name"], facets=facets(job["facets"])),
        inputs=[
            InputDataset(
                namespace=dataset["namespace"],
                name=dataset["name"],
                facets=facets(dataset["facets"]),
                inputFacets=facets(dataset.get("inputFacets", {})),
            )
            for dataset in event["inputs"]
        ],
        outputs=[
            OutputDataset(
                namespace=dataset["namespace"],
                name=dataset["name"],
                facets=facets(dataset["facets"]),
                outputFacets=facets(dataset.get("outputFacets", {})),
            )
            for dataset in event["outputs"]
        ],
        producer=event["producer"],
    )


def plain(value: Any) -> Any:
    """Without what is empty, and without the producers of facets, which the client sets itself."""
    if isinstance(value, dict):
        items = {key: plain(item) for key, item in value.items() if key != "_producer"}
        return {key: item for key, item in items.items() if item not in (None, {}, [])}
    return [plain(item) for item in value] if isinstance(value, list) else value


def lineage() -> dict[str, Any]:
    events = [json.loads(body) for path, _, body in received if path == "/api/v1/lineage"]
    nodes: dict[str, Any] = {}
    for event in events:
        theirs = json.loads(Serde.to_json(run_event(event)))
        assert plain(theirs) == plain(event), (theirs, event)
        if event["eventType"] == "COMPLETE":
            sides = ("inputs", "outputs")
            nodes[event["job"]["name"]] = [
                sorted(dataset["name"] for dataset in event[side]) for side in sides
            ]
    return nodes


def spans() -> dict[str, str]:
    """The name of each span's parent."""
    found = []
    for path, content_type, body in received:
        if path == "/v1/traces":
            assert content_type == "application/x-protobuf", content_type
            request = ExportTraceServiceRequest.FromString(body)
            found += [
                span
                for resource in request.resource_spans
                for scope in resource.scope_spans
                for span in scope.spans
            ]
    names = {span.span_id: span.name for span in found}
    assert len(names) == len(found)
    return {span.name: names.get(span.parent_span_id, "") for span in found}


def main() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    environment = {
        **os.environ,
        "OPENLINEAGE_URL": address,
        "OTEL_EXPORTER_OTLP_ENDPOINT": address,
    }
    subprocess.run(["fal-host", "run", "--full-refresh"], env=environment, check=True)
    subprocess.run(["fal-host", "test"], env=environment, check=True)
    print("RESULT", json.dumps({"lineage": lineage(), "spans": spans()}))


main()
