"""Files of a small DuckDB project with seeds, SQL models, a stub, and SQL downstream of it."""

from __future__ import annotations

from pathlib import Path

STUB = """
{{{{ config(materialized='ephemeral'{config}) }}}}
/*
FAL_GENERATED 0

Script dependencies:

{deps}

*/

SELECT * FROM {{{{ this }}}}
"""


def stub(*deps: str, config: str = "") -> str:
    """The text of a stub."""
    return STUB.format(deps="\n".join("{{ %s }}" % dep for dep in deps), config=config)


def make_project(root: Path, files: dict[str, str] | None = None) -> Path:
    base = {
        "dbt_project.yml": "name: shop\nversion: '1.0'\nprofile: shop\nmodel-paths: [models]\n",
        "profiles.yml": "shop:\n  target: dev\n  outputs:\n    dev: {type: duckdb, path: shop.duckdb, threads: 4}\n",
        "seeds/raw_orders.csv": "id,amount\n1,10\n2,20\n3,\n",
        "models/orders.sql": "{{ config(materialized='table') }} select * from {{ ref('raw_orders') }}",
        "models/shared.sql": "{{ config(materialized='ephemeral') }} select id, amount * 2 as double from {{ ref('orders') }}",
        "models/fal/scores.sql": stub("ref('orders')"),
        "models/report.sql": "{{ config(materialized='table') }} select count(*) as n from {{ ref('scores') }}",
        "models/schema.yml": "models:\n  - name: scores\n    columns:\n      - name: id\n        data_tests: [not_null]\n",
    }
    for name, text in {**base, **(files or {})}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root
