"""Finds out what a statement would do, by PostgreSQL's own analysis, before it runs.

The statement becomes a temporary view, which runs nothing of it and is rolled back: a view is one
SELECT that changes nothing. Its tree has the numbers of the relations and functions that the server
found.
"""

from __future__ import annotations

from fal_worker.project.readable import Readable, refused

from .connection import Connection, DatabaseError

# Functions that may be called although the server does not call them immutable: they depend on the
# time, the time zone, the encoding or chance, and on nothing else.
_FUNCTIONS = """
    age any_value array_sample array_shuffle array_to_json array_to_string bernoulli clock_timestamp concat concat_ws convert convert_from
    convert_to current_database current_schema date_add date_part date_subtract date_trunc enum_first enum_last enum_range extract format
    format_type gen_random_uuid generate_series json_agg json_agg_strict json_array json_arrayagg json_build_array json_build_object
    json_object_agg json_object_agg_strict json_object_agg_unique json_object_agg_unique_strict json_populate_record
    json_populate_recordset json_to_record json_to_recordset jsonb_agg jsonb_agg_strict jsonb_build_array jsonb_build_object
    jsonb_object_agg jsonb_object_agg_strict jsonb_object_agg_unique jsonb_object_agg_unique_strict jsonb_path_exists_tz
    jsonb_path_match_tz jsonb_path_query_array_tz jsonb_path_query_first_tz jsonb_path_query_tz jsonb_populate_record
    jsonb_populate_recordset jsonb_to_record jsonb_to_recordset length make_timestamptz now overlaps phraseto_tsquery plainto_tsquery
    pg_typeof quote_literal quote_nullable random random_normal row_to_json statement_timestamp string_agg system timeofday timestamptz
    timezone to_char to_date to_json to_jsonb to_number to_timestamp to_tsquery to_tsvector transaction_timestamp ts_headline uuidv4 uuidv7
    websearch_to_tsquery
"""
_VIEW = "_fal_leased"
# By one query: the text of a tree names what it uses as `:relid 16405`; a text within it could add
# to that, and take nothing away.
_USED = f"""
with used as (
    select distinct found[1] as kind, found[2]::pg_catalog.oid as id
    from pg_catalog.pg_rewrite,
        pg_catalog.regexp_matches(ev_action::pg_catalog.text, ':(relid|funcid|opfuncid|aggfnoid|winfnoid|tsmhandler) ([0-9]+)', 'g') as found
    where ev_class = 'pg_temp.{_VIEW}'::pg_catalog.regclass
)
select 'relation', n.nspname, c.relname
from used join pg_catalog.pg_class c on c.oid = used.id join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where used.kind = 'relid' and c.oid <> 'pg_temp.{_VIEW}'::pg_catalog.regclass
union all
select 'lock', '', ''
from pg_catalog.pg_rewrite
where ev_class = 'pg_temp.{_VIEW}'::pg_catalog.regclass and ev_action::pg_catalog.text like '%:hasForUpdate true%'
union all
select 'function', n.nspname, p.proname
from used join pg_catalog.pg_proc p on p.oid = used.id join pg_catalog.pg_namespace n on n.oid = p.pronamespace
where used.kind <> 'relid' and not (
    n.nspname = 'pg_catalog' and (
        p.provolatile = 'i'
        or p.proname = any ('{{{",".join(_FUNCTIONS.split())}}}')
        or exists (select from pg_catalog.pg_operator o where o.oprcode = p.oid)
        or exists (select from pg_catalog.pg_cast c where c.castfunc = p.oid)
    )
)
"""


def check(connection: Connection, sql: str, readable: Readable) -> None:
    """Refuses what is not one SELECT of readable relations. `sql` is known to be one statement, and
    has no semicolon at its end. The view stays until the transaction, or a savepoint in it, is
    rolled back."""
    try:
        with connection.cursor() as cursor:
            # Prepared, so that it is one statement here, too.
            cursor.execute(
                f"create temporary view {_VIEW} as select 1 as one from (\n{sql}\n) as it"
            )
    except DatabaseError as error:
        raise refused(error.message) from None
    for kind, schema, name in connection.rows(_USED):
        if kind == "lock":
            raise refused("it would lock rows")
        if kind == "function":
            raise refused(
                f"the function `{name if schema == 'pg_catalog' else f'{schema}.{name}'}` may not be called"
            )
        if not readable.allows(("", schema, name)):
            raise readable.unknown(f"{schema}.{name}")
