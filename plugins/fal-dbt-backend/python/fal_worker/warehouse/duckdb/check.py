"""Finds out what a statement would do, by DuckDB's own parser, before it runs.

Everything that is not known to be harmless is refused.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import duckdb

from fal_worker.project.readable import Readable, folded, refused

# Query nodes, tables, and what belongs to them. Not `SHOW_REF` (describe, show, summarize),
# `COLUMN_DATA`, `BOUND_TABLE_REF`, `DELIM_GET`.
_QUERIES = {"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"}
_TABLES = {
    "BASE_TABLE",
    "SUBQUERY",
    "JOIN",
    "TABLE_FUNCTION",
    "EXPRESSION_LIST",
    "EMPTY",
    "EMPTY_FROM",
    "PIVOT",
}
_PARTS = {
    "LIMIT_MODIFIER",
    "LIMIT_PERCENT_MODIFIER",
    "ORDER_MODIFIER",
    "DISTINCT_MODIFIER",
    "ORDER_DEFAULT",
    "ASCENDING",
    "DESCENDING",
}
_EXPRESSIONS = {
    "BETWEEN", "CASE", "CAST", "COLLATE", "COLUMN_REF", "COMPARISON", "CONJUNCTION", "CONSTANT", "FUNCTION", "LAMBDA", "LAMBDA_REF",
    "OPERATOR", "POSITIONAL_REFERENCE", "STAR", "SUBQUERY", "TYPE", "WINDOW",
}  # fmt: skip
# The position of a part in the text, and the names that a table has further on.
_PLACES = {"query_location", "query_location_length"}
_CALLED = {"alias", "column_name_alias"}


class Parser:
    """An empty DuckDB that may reach nothing, so it can only parse."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection = duckdb.connect(
            ":memory:", config={"enable_external_access": "false", "threads": 1}
        )

    def statements(self, sql: str) -> list[dict[str, Any]]:
        """The trees of the statements. Raises `SessionError` if one is no query."""
        with self._lock:
            text = self._connection.execute("select json_serialize_sql(?)", [sql]).fetchall()[0][0]
        try:
            parsed = json.loads(text)
        except RecursionError:
            raise refused("it is nested too deeply to be checked") from None
        if parsed.get("error"):
            raise refused(
                str(parsed.get("error_message"))
                if parsed.get("error_type") == "parser"
                else "it is no single SELECT"
            )
        return [statement["node"] for statement in parsed["statements"]]


@lru_cache(maxsize=1)
def parser() -> Parser:
    """The parser of this process."""
    return Parser()


def check(sql: str, readable: Readable, place: Callable[[], tuple[str, str]]) -> None:
    """Refuses what is not one SELECT of readable relations.

    `place` gives database and schema of names that have none."""
    statements = parser().statements(sql)
    if len(statements) != 1:
        raise refused("it is no single SELECT")
    for kind, part in _parts(statements[0]):
        if kind == "function":
            _check_function(part)
        elif kind == "table":
            _check_table(part, readable, place)
        else:
            _check_table_function(part, readable)


def part_of(relation: str, part: dict[str, Any]) -> bool:
    """Whether a part of a statement is the relation with this text."""
    table = parser().statements(f"select * from {relation}")[0]["from_table"]
    one, other = (
        {name: _plain(item) for name, item in tree.items() if name not in _CALLED | _PLACES}
        for tree in (table, part)
    )
    return one == other


def is_type(text: str) -> bool:
    """Whether a text is a type, and nothing more."""
    try:
        found, known = (
            parser().statements(f"select cast(null as {kind}\n)") for kind in (text, "integer")
        )
    except Exception:  # noqa: BLE001 (whatever the parser raises, the text is no type)
        return False
    return len(found) == 1 and _without_type(found[0]) == _without_type(known[0])


def _without_type(tree: dict[str, Any]) -> Any:
    plain = _plain(tree)
    for column in plain.get("select_list", ()):
        for name in ("cast_type", "type_expr"):
            column.pop(name, None)
    return plain


def _parts(root: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The functions, tables and table functions of a statement; everything else in it is harmless.

    Tables of the statement itself, those of a WITH where it can be seen, are left out."""
    # Without recursion, since an expression may be deep.
    waiting: list[tuple[Any, frozenset[str]]] = [(root, frozenset())]
    while waiting:
        part, seen = waiting.pop()
        if isinstance(part, list):
            waiting.extend((item, seen) for item in part)
        if not isinstance(part, dict):
            continue
        _check_kind(part)
        # Of a constant it is the type, another dictionary.
        kind = part["type"] if isinstance(part.get("type"), str) else None
        if "cte_map" in part or kind in _QUERIES:
            waiting.extend(_of_query(part, seen))
            continue
        if kind == "BASE_TABLE" and "class" not in part and not _is_own(part, seen):
            yield "table", part
        if kind == "TABLE_FUNCTION":
            yield "table function", part
            waiting.extend((item, seen) for item in _arguments(part))
            continue
        if part.get("class") in ("FUNCTION", "WINDOW"):
            yield "function", part
        waiting.extend((value, seen) for value in part.values())


def _check_kind(part: dict[str, Any]) -> None:
    if "class" in part:
        if part["class"] not in _EXPRESSIONS:
            raise refused(f"it has a part that is not known here: {part['class']}")
        return
    kind = part.get("type")
    known = (
        not isinstance(kind, str)
        or kind in _QUERIES
        or kind in _TABLES
        or kind in _PARTS
        or kind.endswith("_TYPE_INFO")
    )
    if not known:
        raise refused(
            "DESCRIBE, SHOW and SUMMARIZE cannot be read"
            if kind == "SHOW_REF"
            else f"it has a part that is not known here: {kind}"
        )


def _of_query(part: dict[str, Any], seen: frozenset[str]) -> Iterator[tuple[Any, frozenset[str]]]:
    """What is in a query, each with the names that it sees.

    No WITH sees itself or a later one, but for the second half of a recursive one."""
    for entry in (part.get("cte_map") or {}).get("map", ()):
        yield entry["value"], seen
        seen = seen | {folded(entry["key"])}
    own = folded(part.get("cte_name") or "")
    inner = {"RECURSIVE_CTE_NODE": "right", "CTE_NODE": "child"}.get(str(part.get("type")))
    for name, value in part.items():
        if name == inner:
            yield value, seen | {own}
        elif name == "query" and inner == "child":
            yield value, seen - {own}
        elif name != "cte_map":
            yield value, seen


def _arguments(part: dict[str, Any]) -> Iterator[Any]:
    """Everything in a table function but the function itself."""
    for name, value in part.items():
        if name != "function":
            yield value
    yield from (value for value in (part.get("function") or {}).values())


def _path(table: dict[str, Any]) -> list[str]:
    parts = [table.get(name) for name in ("catalog_name", "schema_name", "table_name")]
    names = [str(part) for part in parts if part]
    path = (table.get("qualified_name") or {}).get("path")
    if path is not None and path != names:
        raise refused(f"`{'.'.join(path)}` has more parts than a table")
    return names


def _is_own(table: dict[str, Any], seen: frozenset[str]) -> bool:
    names = _path(table)
    return len(names) == 1 and folded(names[0]) in seen


def _check_table(
    table: dict[str, Any], readable: Readable, place: Callable[[], tuple[str, str]]
) -> None:
    names = _path(table)
    if len(names) == 3:
        meant = [names]
    elif len(names) == 2:
        # DuckDB takes the first for a schema or for a database, whichever there is.
        meant = [[place()[0], *names], [names[0], "main", names[1]]]
    else:
        meant = [[*place(), *names]]
    if any(readable.allows((database, schema, name)) for database, schema, name in meant):
        return
    if not readable.is_external(lambda text: part_of(text, table)):
        raise readable.unknown(".".join(names))


def _check_table_function(table: dict[str, Any], readable: Readable) -> None:
    name = folded((table.get("function") or {}).get("function_name") or "")
    if name not in TABLE_FUNCTIONS and not readable.is_external(lambda text: part_of(text, table)):
        raise refused(f"the table function `{name}` may not be called")


def _check_function(part: dict[str, Any]) -> None:
    name = folded(part.get("function_name") or "")
    is_sign = not any(letter.isalnum() or letter == "_" for letter in name)
    if not is_sign and name not in FUNCTIONS and name != "!__postfix":
        raise refused(f"the function `{name}` may not be called")


def _plain(value: Any) -> Any:
    """A tree without positions in the text, and without what is not set."""
    if isinstance(value, dict):
        items = ((name, _plain(item)) for name, item in value.items() if name not in _PLACES)
        return {name: item for name, item in items if item not in (None, "", [], {}, False)}
    return [_plain(item) for item in value] if isinstance(value, list) else value


# The functions that SQL of leased jobs may call, aggregate and window functions included; operators
# need no entry. They compute from their arguments alone: none reads a file, a setting, a variable
# of the machine or the session, the catalog or the network, and none changes anything. All others
# are refused.
FUNCTIONS = frozenset(
    """
abs acos acosh add age aggregate ago alias any_value apply approx_count_distinct approx_quantile approx_top_k arbitrary arg_max arg_max_null
arg_max_nulls_last arg_min arg_min_null arg_min_nulls_last argmax argmin array_agg array_aggr array_aggregate array_append array_apply
array_cat array_concat array_contains array_cosine_distance array_cosine_similarity array_cross_product array_distance array_distinct
array_dot_product array_extract array_filter array_grade_up array_has array_has_all array_has_any array_indexof array_inner_product
array_intersect array_length array_negative_dot_product array_negative_inner_product array_pop_back array_pop_front array_position
array_prepend array_push_back array_push_front array_reduce array_resize array_reverse array_reverse_sort array_select array_slice
array_sort array_to_json array_to_string array_to_string_comma_default array_transform array_unique array_value array_where array_zip ascii
asin asinh assert_true atan atan2 atanh avg bar base64 bin binom bit_and bit_count bit_length bit_or bit_position bit_xor bitstring
bitstring_agg bool_and bool_or can_cast_implicitly cardinality cast_to_type cbrt ceil ceiling century char_length character_length chr
concat concat_ws contains corr cos cosh cot count count_if count_star countif covar_pop covar_samp cume_dist current_catalog
current_database current_date current_localtime current_localtimestamp current_schema current_user damerau_levenshtein date_add date_diff
date_part date_sub date_trunc datediff datepart datesub datetrunc day dayname dayofmonth dayofweek dayofyear days_in_month decade
decimal_average decimal_division decode degrees dense_rank divide editdist3 element_at encode ends_with entropy enum_code enum_first
enum_last enum_range enum_range_boundary epoch epoch_ms epoch_ns epoch_us equi_width_bins era error even exp factorial favg fdiv fill filter
first first_value flatten floor fmod format format_bytes formatreadabledecimalsize formatreadablesize from_base64 from_binary from_hex
from_json from_json_strict fsum gamma gcd gen_random_uuid generate_series generate_subscripts geomean geometric_mean get_bit
get_current_time get_current_timestamp grade_up greatest greatest_common_divisor group_concat hamming hash hex histogram histogram_exact
hour if ilike_escape instr isfinite isinf isnan isodow isoyear jaccard jaro_similarity jaro_winkler_similarity json json_array
json_array_length json_contains json_deep_merge json_exists json_extract json_extract_path json_extract_path_text json_extract_string
json_group_array json_group_object json_group_structure json_insert json_keys json_merge_patch json_merge_patch_diff json_object json_pretty
json_quote json_remove json_replace json_set json_strip_nulls json_structure json_transform json_transform_strict json_type json_valid
json_value julian kahan_sum kurtosis kurtosis_pop lag last last_day last_value lcase lcm lead least least_common_multiple left left_grapheme
len length length_grapheme levenshtein lgamma like_escape list list_aggr list_aggregate list_any_value list_append list_apply
list_approx_count_distinct list_avg list_bit_and list_bit_or list_bit_xor list_bool_and list_bool_or list_cat list_concat list_contains
list_cosine_distance list_cosine_similarity list_count list_distance list_distinct list_dot_product list_element list_entropy list_extract
list_filter list_first list_grade_up list_has list_has_all list_has_any list_histogram list_indexof list_inner_product list_intersect
list_kurtosis list_kurtosis_pop list_last list_mad list_max list_median list_min list_mode list_negative_dot_product
list_negative_inner_product list_pack list_position list_prepend list_product list_reduce list_resize list_reverse list_reverse_sort
list_select list_sem list_skewness list_slice list_sort list_stddev_pop list_stddev_samp list_string_agg list_sum list_transform list_unique
list_value list_var_pop list_var_samp list_where list_zip listagg ln log log10 log2 lower lpad ltrim lttb mad make_date make_time
make_timestamp make_timestamp_ms make_timestamp_ns make_timestamptz map map_concat map_contains map_contains_entry map_contains_value
map_entries map_extract map_extract_value map_from_entries map_keys map_values max max_by md5 md5_number md5_number_lower md5_number_upper
mean median microsecond millennium millisecond min min_by minute mismatches mod mode month monthname multiply nanosecond nextafter
nfc_normalize not_ilike_escape not_like_escape now nth_value ntile nullif octet_length ord overlay parse_dirname parse_dirpath
parse_filename parse_formatted_bytes parse_path percent_rank pg_size_pretty pg_typeof pi position pow power prefix printf product quantile
quantile_cont quantile_disc quarter radians random range rank rank_dense reduce regexp_escape regexp_extract regexp_extract_all
regexp_full_match regexp_matches regexp_replace regexp_split_to_array regexp_split_to_table regr_avgx regr_avgy regr_count regr_intercept
regr_r2 regr_slope regr_sxx regr_sxy regr_syy repeat replace reservoir_quantile reverse right right_grapheme round round_even roundbankers
row row_number row_to_json rpad rtrim second sem set_bit sha1 sha256 sign signbit sin sinh skewness split split_part sqrt starts_with stddev
stddev_pop stddev_samp str_split str_split_regex strftime string_agg string_split string_split_regex string_to_array strip_accents strlen
strpos strptime struct_concat struct_contains struct_extract struct_extract_at struct_has struct_indexof struct_insert struct_keys
struct_pack struct_position struct_update struct_values substr substring substring_grapheme subtract suffix sum sum_no_overflow sumkahan tan
tanh time_bucket timezone timezone_hour timezone_minute to_base to_base64 to_binary to_centuries to_days to_decades to_hex to_hours to_json
to_microseconds to_millennia to_milliseconds to_minutes to_months to_quarters to_seconds to_timestamp to_weeks to_years today
transaction_timestamp translate trim trunc try_strptime typeof ucase unbin unhex unicode union_extract union_tag union_value unpivot_list
unnest upper url_decode url_encode uuid uuid_extract_timestamp uuid_extract_version uuidv4 uuidv7 var_pop var_samp variance variant_array_length
variant_contains variant_exists variant_extract variant_extract_string variant_group_array variant_group_object variant_keys variant_type
variant_typeof wavg week weekday weekofyear weighted_avg xor year yearweek
    """.split()
)
# Those that may stand in the place of a table.
TABLE_FUNCTIONS = frozenset({"range", "generate_series", "unnest"})
