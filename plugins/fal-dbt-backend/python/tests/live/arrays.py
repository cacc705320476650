"""Arrays that the tables of types of several warehouses write."""

import pyarrow as pa

UUIDS = pa.ExtensionArray.from_storage(
    pa.uuid(), pa.array([b"0123456789abcdef", None], pa.binary(16))
)


def integers(kind: pa.DataType) -> pa.Array:
    """The edges of a type of integers."""
    bits, signed = kind.bit_width, pa.types.is_signed_integer(kind)
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    return pa.array([low, None, high], kind)
