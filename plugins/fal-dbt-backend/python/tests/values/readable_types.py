"""SQL for values of every type of DuckDB and PostgreSQL, and the value read or the expected
refusal.

A value is a Python value or a canonical form. Refusals are listed by the form of the read; `every`
means all forms.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pyarrow as pa


@dataclass(frozen=True)
class Read:
    """One expression with the value it must read as, or with its refusals."""

    sql: str
    value: Any = None
    refused: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Form:
    """A canonical form, for values that Python does not have."""

    form: tuple[Any, ...]


def every(says: str) -> dict[str, str]:
    return dict.fromkeys(("arrow", "pandas", "polars"), says)


_D = Decimal
_UTC = dt.timezone.utc
_INFINITY = every("`infinity`")
_POLARS_INTERVAL = {"polars": "an INTERVAL"}
_UNION = {"pandas": "a UNION", "polars": "a UNION"}
_PANDAS_DATE = {"pandas": "a date before the year 1 or after 9999"}
_MIDNIGHT = {"pandas": "the time 24:00", "polars": "the time 24:00"}
_DIGITS = every("an integer of more than 38 digits")
_HOURS = every("an interval of more than")
_MANY_DIGITS = {"polars": "a decimal of more than 38 digits"}
_UUID = "0b5ec0de-0000-4000-8000-000000000000"
_HUGE = "170141183460469231731687303715884105727"
# 44 BC, the year -43: 735160 days before 1970.
_IDES, _IDES_TICKS = Form(("date", -735_160)), -735_160 * 86_400 * 10**9

DUCKDB: dict[str, list[Read]] = {
    "TINYINT": [Read("(-128)::tinyint", -128)], "SMALLINT": [Read("1::smallint", 1)], "INTEGER": [Read("1::integer", 1)],
    "BIGINT": [Read("9223372036854775807", 2**63 - 1)], "UTINYINT": [Read("255::utinyint", 255)], "USMALLINT": [Read("1::usmallint", 1)],
    "UINTEGER": [Read("1::uinteger", 1)], "UBIGINT": [Read("18446744073709551615::ubigint", 2**64 - 1)],
    "HUGEINT": [
        Read("1::hugeint", 1), Read("sum(x) from (values (1), (2)) v(x)", 3), Read("null::hugeint"), Read(f"{'9' * 38}::hugeint", 10**38 - 1),
        Read(f"{_HUGE}::hugeint", refused=_DIGITS), Read(f"-{_HUGE}::hugeint", refused=_DIGITS), Read("[1::hugeint]", [1]),
        Read(f"[{_HUGE}::hugeint]", refused=every("an integer of more than 38 digits")),
    ],
    "UHUGEINT": [Read("1::uhugeint", 1), Read("340282366920938463463374607431768211455::uhugeint", refused=_DIGITS)],
    "BIGNUM": [Read("'123456789012345678901234567890123456789012'::bignum", "123456789012345678901234567890123456789012")],
    "DECIMAL": [Read("1.5::decimal(38, 10)", _D("1.5"))],
    "FLOAT": [Read("1.5::float", 1.5), Read("'-infinity'::float", float("-inf"))],
    "DOUBLE": [Read("0.1::double", 0.1), Read("'infinity'::double", float("inf")), Read("'-0.0'::double", -0.0)],
    "BOOLEAN": [Read("true", True)], "NULL": [Read("null"), Read("[null]", [None])],
    "VARCHAR": [Read("'é😀'", "é😀"), Read("chr(0)", "\0"), Read("'{\"a\": 1}'::json", '{"a": 1}'), Read("['1'::json]", ["1"])],
    "BLOB": [Read("'\\x00\\xFF'::blob", b"\0\xff")], "BIT": [Read("'10101'::bit", "10101"), Read("['101'::bit]", ["101"])],
    "UUID": [Read(f"'{_UUID}'::uuid", _UUID)], "ENUM": [Read("'a'::enum('a', 'b')", "a"), Read("['a'::enum('a', 'b')]", ["a"])],
    "VARIANT": [Read("1::variant", "1")], "TYPE": [Read("get_type(1)", "INTEGER")],
    "GEOMETRY": [Read("'POINT (1 2)'::geometry", bytes.fromhex("0101000000000000000000F03F0000000000000040"))],
    "DATE": [
        Read("date '2024-02-29'", dt.date(2024, 2, 29)), Read("date '0044-03-15 (BC)'", _IDES, _PANDAS_DATE),
        Read("date '10000-01-01'", Form(("date", 2_932_897)), _PANDAS_DATE), Read("['10000-01-01'::date]", Form(("list", (("date", 2_932_897),))), _PANDAS_DATE),
        Read("'infinity'::date", refused=_INFINITY), Read("'-infinity'::date", refused=_INFINITY), Read("['infinity'::date]", refused=_INFINITY),
        Read("{'a': ['-infinity'::date]}", refused=_INFINITY), Read("map {'a': 'infinity'::date}", refused=_INFINITY),
    ],
    "TIME": [Read("time '23:59:59.999999'", dt.time(23, 59, 59, 999_999)), Read("time '24:00:00'", Form(("time", 86_400 * 10**9)), _MIDNIGHT)],
    "TIME_NS": [
        Read("'01:02:03.123456'::time_ns", dt.time(1, 2, 3, 123_456)),
        Read("'00:00:00.000000001'::time_ns", Form(("time", 1)), {"pandas": "a time with nanoseconds"}),
    ],
    "TIME WITH TIME ZONE": [Read("'01:02:03+02'::timetz", "01:02:03+02")],
    "TIMESTAMP": [
        Read("timestamp '0001-01-01'", dt.datetime(1, 1, 1)), Read("timestamp '0044-03-15 (BC)'", Form(("timestamp", _IDES_TICKS))),
        Read("'infinity'::timestamp", refused=_INFINITY), Read("'-infinity'::timestamp", refused=_INFINITY),
        Read("['infinity'::timestamp]", refused=_INFINITY), Read("timestamp '9999-12-31 23:59:59.999999'", dt.datetime.max),
    ],
    "TIMESTAMP_S": [Read("'2024-01-01'::timestamp_s", dt.datetime(2024, 1, 1)), Read("'infinity'::timestamp_s", refused=_INFINITY)],
    "TIMESTAMP_MS": [Read("'2024-01-01'::timestamp_ms", dt.datetime(2024, 1, 1)), Read("'infinity'::timestamp_ms", refused=_INFINITY)],
    "TIMESTAMP_NS": [
        Read("'1970-01-01 00:00:00.000000001'::timestamp_ns", Form(("timestamp", 1))), Read("'infinity'::timestamp_ns", refused=_INFINITY)
    ],
    "TIMESTAMP WITH TIME ZONE": [
        Read("'2024-01-01 02:00+02'::timestamptz", dt.datetime(2024, 1, 1, tzinfo=_UTC)), Read("'infinity'::timestamptz", refused=_INFINITY)
    ],
    "TIMESTAMPTZ_NS": [
        Read("'1970-01-01 00:00:00.000000001+00'::timestamptz_ns", Form(("instant", 1))),
        Read("['1970-01-01 00:00:00.000000001+00'::timestamptz_ns]", Form(("list", (("instant", 1),)))),
        Read("{'a': '1970-01-01 00:00:00.000000001'::timestamp_ns}", Form(("struct", (("a", ("timestamp", 1)),)))),
    ],
    "INTERVAL": [
        Read("interval '1 month -2 days 3 seconds'", pa.MonthDayNano([1, -2, 3 * 10**9]), _POLARS_INTERVAL),
        Read("[interval '1 month']", [pa.MonthDayNano([1, 0, 0])], _POLARS_INTERVAL), Read("null::interval", None, _POLARS_INTERVAL),
        Read("[]::interval[]", [], _POLARS_INTERVAL), Read("{'a': null::interval[]}", {}, _POLARS_INTERVAL),
        Read("interval '2562046 hours'", pa.MonthDayNano([0, 0, 2_562_046 * 3600 * 10**9]), _POLARS_INTERVAL),
        Read("interval '10000000 hours'", refused=_HOURS), Read("interval '-10000000 hours'", refused=_HOURS),
    ],
    "LIST": [Read("[[1], [2, null]]", [[1], [2, None]])], "ARRAY": [Read("[1, 2]::int[2]", [1, 2])],
    "STRUCT": [Read("{'a b': 1, 'q\"': 'x'}", {"a b": 1, 'q"': "x"})], "TUPLE": [Read("row(1, 2)", {"element1": 1, "element2": 2})],
    "MAP": [
        Read("map {'a': 1}", {"a": 1}), Read("map {1: 'x'}", {1: "x"}),
        Read("map {[1]: 2}", Form(("map", ((("list", (("number", 1),)), ("number", 2)),))), {"pandas": "values of map"}),
    ],
    "UNION": [Read("1::union(n int, t varchar)", 1, _UNION), Read("[]::union(n int)[]", [], _UNION), Read("[1::union(n int, t varchar)]", [1], _UNION), Read("{'u': 1::union(n int, t varchar)}", {"u": 1}, _UNION)],
}  # fmt: skip

POSTGRES: dict[str, list[Read]] = {
    "int2": [Read("1::int2", 1)], "int4": [Read("1", 1)], "int8": [Read("9223372036854775807", 2**63 - 1)], "oid": [Read("4000000000::oid", 4_000_000_000)],
    "float4": [Read("1.5::real", 1.5)], "float8": [Read("'-Infinity'::float8", float("-inf"))], "bool": [Read("true", True)],
    "numeric": [
        Read("1.50::numeric", _D("1.5")), Read("1.5::numeric(60, 2)", _D("1.5"), _MANY_DIGITS), Read("array[1e50::numeric]", [_D(10**50)], _MANY_DIGITS), Read("null::numeric(60, 2)", None, _MANY_DIGITS),
        Read("1e80::numeric", "1" + "0" * 80), Read("'NaN'::numeric", refused=every("the numeric `NaN`")),
    ],
    "money": [Read("12.5::money", "$12.50")],
    "text": [Read("'é'", "é")], "varchar": [Read("'x'::varchar(3)", "x")], "bpchar": [Read("'x'::char(3)", "x  ")], "name": [Read("'x'::name", "x")],
    "char": [Read("'a'::\"char\"", "a")], "bytea": [Read("'\\x00ff'::bytea", b"\0\xff")], "uuid": [Read(f"uuid '{_UUID}'", _UUID)],
    "json": [Read("'{\"a\":1}'::json", '{"a":1}')], "jsonb": [Read("'{\"a\":1}'::jsonb", '{"a": 1}'), Read("array['{}'::jsonb]", ["{}"])],
    "jsonpath": [Read("'$.a'::jsonpath", '$."a"')], "xml": [Read("'<a/>'::xml", "<a/>")],
    "date": [
        Read("date '2024-02-29'", dt.date(2024, 2, 29)), Read("date '0044-03-15 BC'", _IDES, _PANDAS_DATE), Read("array['0044-03-15 BC'::date]", Form(("list", (_IDES.form,))), _PANDAS_DATE),
        Read("date '10000-01-01'", Form(("date", 2_932_897)), _PANDAS_DATE), Read("'infinity'::date", refused=_INFINITY), Read("array['-infinity'::date]", refused=_INFINITY),
    ],
    "time": [Read("time '23:59:59.999999'", dt.time(23, 59, 59, 999_999)), Read("time '24:00'", Form(("time", 86_400 * 10**9)), _MIDNIGHT)],
    "timetz": [Read("'01:02:03+02'::timetz", "01:02:03+02"), Read("array['01:02:03+02'::timetz]", ["01:02:03+02"])],
    "timestamp": [Read("timestamp '0044-03-15 BC'", Form(("timestamp", _IDES_TICKS))), Read("'infinity'::timestamp", refused=_INFINITY)],
    "timestamptz": [Read("'2024-01-01 02:00+02'::timestamptz", dt.datetime(2024, 1, 1, tzinfo=_UTC)), Read("array['infinity'::timestamptz]", refused=_INFINITY)],
    "interval": [
        Read("interval '1 mon -2 days 3.5s'", pa.MonthDayNano([1, -2, 35 * 10**8]), _POLARS_INTERVAL), Read("array[interval '1 day']", [pa.MonthDayNano([0, 1, 0])], _POLARS_INTERVAL),
        Read("interval '10000000 hours'", refused=_HOURS), Read("array[interval '-10000000 hours']", refused=_HOURS),
    ],
    "inet": [Read("'10.0.0.1'::inet", "10.0.0.1/32")], "cidr": [Read("'10.0.0.0/8'::cidr", "10.0.0.0/8")], "macaddr": [Read("'08:00:2b:01:02:03'::macaddr", "08:00:2b:01:02:03")],
    "macaddr8": [Read("'08:00:2b:01:02:03:04:05'::macaddr8", "08:00:2b:01:02:03:04:05")],
    "bit": [Read("b'101'", "101")], "varbit": [Read("b'101'::varbit", "101")],
    "int4range": [Read("int4range(1, 5)", "[1,5)"), Read("array[int4range(1, 5)]", ["[1,5)"])], "int8range": [Read("int8range(1, 5)", "[1,5)")], "numrange": [Read("numrange(1, 5)", "[1,5)")],
    "daterange": [Read("'[2020-01-01,infinity)'::daterange", "[2020-01-01,infinity)")], "tsrange": [Read("tsrange('2020-01-01', null)", '["2020-01-01 00:00:00",)')],
    "tstzrange": [Read("'empty'::tstzrange", "empty")], "int4multirange": [Read("'{[1,3),[5,6)}'::int4multirange", "{[1,3),[5,6)}")],
    "int8multirange": [Read("'{}'::int8multirange", "{}")], "nummultirange": [Read("'{}'::nummultirange", "{}")], "datemultirange": [Read("'{}'::datemultirange", "{}")],
    "tsmultirange": [Read("'{}'::tsmultirange", "{}")], "tstzmultirange": [Read("'{}'::tstzmultirange", "{}")],
    "point": [Read("point(1, 2)", "(1,2)")], "line": [Read("line '{1,2,3}'", "{1,2,3}")], "lseg": [Read("lseg '[(1,2),(3,4)]'", "[(1,2),(3,4)]")], "box": [Read("box '((1,2),(3,4))'", "(3,4),(1,2)")],
    "path": [Read("path '((1,2),(3,4))'", "((1,2),(3,4))")], "polygon": [Read("polygon '((1,2),(3,4))'", "((1,2),(3,4))")], "circle": [Read("circle '<(1,2),3>'", "<(1,2),3>")],
    "tsvector": [Read("'a'::tsvector", "'a'")], "tsquery": [Read("'a & b'::tsquery", "'a' & 'b'")], "record": [Read("row(1, 'a')", "(1,a)"), Read("array[row(1, 'a')]", ["(1,a)"])],
    "tid": [Read("'(0,1)'::tid", "(0,1)")], "xid": [Read("'1'::xid", "1")], "xid8": [Read("'1'::xid8", "1")], "cid": [Read("'1'::cid", "1")], "pg_lsn": [Read("'16/B374D848'::pg_lsn", "16/B374D848")],
    "pg_snapshot": [Read("'10:20:10,14'::pg_snapshot", "10:20:10,14")], "txid_snapshot": [Read("'10:20:10,14'::txid_snapshot", "10:20:10,14")], "refcursor": [Read("'a'::refcursor", "a")],
    "int2vector": [Read("'1 2'::int2vector", "1 2")], "oidvector": [Read("'1 2'::oidvector", "1 2")], "aclitem": [Read("null::aclitem")],
    **{f"reg{what}": [Read(f"null::reg{what}")] for what in ("class", "collation", "config", "dictionary", "namespace", "oper", "operator", "proc", "procedure", "role", "type")},
}  # fmt: skip
# Types of the server's own tables, which users' columns never have.
POSTGRES_INTERNAL = {
    "gtsvector", "pg_brin_bloom_summary", "pg_brin_minmax_multi_summary", "pg_dependencies",
    "pg_mcv_list", "pg_ndistinct", "pg_node_tree",
}  # fmt: skip
