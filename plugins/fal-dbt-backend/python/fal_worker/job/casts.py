"""Casts of Arrow that keep every value: pyarrow's own drop times of day, fields and digits, and
make numbers of text.
"""

from __future__ import annotations

from typing import Any

import pyarrow
import pyarrow.compute as pc
from pyarrow import types

from fal_worker.leaves import leaves

_FAMILIES = (
    (types.is_boolean,),
    (types.is_integer, types.is_floating, types.is_decimal),
    (types.is_string, types.is_large_string, getattr(types, "is_string_view", types.is_string)),
    (
        types.is_binary,
        types.is_large_binary,
        types.is_fixed_size_binary,
        getattr(types, "is_binary_view", types.is_binary),
    ),
    (types.is_date,),
    (types.is_time,),
    (lambda kind: types.is_timestamp(kind) and kind.tz is None,),
    (lambda kind: types.is_timestamp(kind) and kind.tz is not None,),
    (types.is_duration,),
)


def kept(array: pyarrow.Array, kind: Any) -> pyarrow.Array:
    """Casts the array to another type. Raises `pyarrow.ArrowInvalid` if a value would change."""
    if types.is_dictionary(array.type):
        array = array.dictionary_decode()  # also of values that pyarrow casts to nothing
    if array.type == kind:
        return array
    if not _goes_into(array.type, kind):
        raise pyarrow.ArrowInvalid(f"{array.type} is another kind of value than {kind}")
    array = array.cast(_filled(array.type, kind))
    cast = array.cast(kind)
    if not types.is_null(array.type) and not (
        _same(cast.cast(array.type), array) and _exact(array, cast)
    ):
        raise pyarrow.ArrowInvalid(f"a value of {array.type} is another one in {kind}")
    return cast


def _filled(given: Any, kind: Any) -> Any:
    """`given`, with the types of `kind` where it has no values at all, as a list of empty lists:
    nothing can be cast back to those.
    """
    if types.is_null(given):
        return kind
    if types.is_struct(given) and types.is_struct(kind):
        there = {field.name: field.type for field in kind}
        return pyarrow.struct(
            [field.with_type(_filled(field.type, there[field.name])) for field in given]
        )
    if types.is_list(given) and _is_list(kind):
        return pyarrow.list_(
            given.value_field.with_type(_filled(given.value_type, kind.value_type))
        )
    return given


def _goes_into(given: Any, kind: Any) -> bool:
    """Whether values of one type can be values of the other."""
    if given == kind or types.is_null(given):
        return True
    if types.is_struct(given) and types.is_struct(kind):
        there = {field.name: field.type for field in kind}
        return all(
            field.name in there and _goes_into(field.type, there[field.name]) for field in given
        )
    if types.is_map(given) and types.is_map(kind):
        return _goes_into(given.key_type, kind.key_type) and _goes_into(
            given.item_type, kind.item_type
        )
    if types.is_dictionary(kind) or types.is_dictionary(given):
        return _goes_into(
            *(each.value_type if types.is_dictionary(each) else each for each in (given, kind))
        )
    if _is_list(given) and _is_list(kind):
        return _goes_into(given.value_type, kind.value_type)
    return any(
        any(fits(given) for fits in family) and any(fits(kind) for fits in family)
        for family in _FAMILIES
    )


def _is_list(kind: Any) -> bool:
    return types.is_nested(kind) and hasattr(kind, "value_type") and not types.is_map(kind)


def _same(array: pyarrow.Array, other: pyarrow.Array) -> bool:
    """Whether all values are equal. NaN equals NaN, and minus zero differs from zero."""
    pairs = zip(leaves([array]), leaves([other]))
    return array.is_null().equals(other.is_null()) and all(_same_plain(*pair) for pair in pairs)


def _exact(array: pyarrow.Array, cast: pyarrow.Array) -> bool:
    """Whether decimals and floats are the same numbers.

    A cast there and back does not show it: 0.1 comes back as it was, but no float is a tenth."""
    given, kind = array.type, cast.type
    if types.is_struct(given):
        fields = zip(given, array.flatten())
        there = {field.name: part for field, part in zip(kind, cast.flatten())}
        return all(_exact(part, there[field.name]) for field, part in fields)
    if types.is_map(given):
        return _exact(array.keys, cast.keys) and _exact(array.items, cast.items)
    if _is_list(given):
        return _exact(array.flatten(), cast.flatten())
    if not (types.is_decimal(given) and types.is_floating(kind)) and not (
        types.is_floating(given) and types.is_decimal(kind)
    ):
        return True
    # `Decimal` compares a float by its exact value.
    return all(
        one is None or one == other for one, other in zip(array.to_pylist(), cast.to_pylist())
    )


def _same_plain(array: pyarrow.Array, other: pyarrow.Array) -> bool:
    if not types.is_floating(array.type):
        return bool(array.equals(other))
    array, other = array.cast(pyarrow.float64()), other.cast(pyarrow.float64())
    bits = pc.equal(array.view(pyarrow.int64()), other.view(pyarrow.int64()))
    same = pc.or_(bits, pc.and_(pc.is_nan(array), pc.is_nan(other)))
    return (
        len(array) == len(other)
        and array.is_null().equals(other.is_null())
        and pc.all(same).as_py() is not False
    )
