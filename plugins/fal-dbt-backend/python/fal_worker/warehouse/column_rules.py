"""Which columns a warehouse takes, by their names and Arrow extension types.

Checked once for every write, whichever job sends it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fal_worker.errors import SessionError

if TYPE_CHECKING:
    import pyarrow as pa

_EXTENSION = b"ARROW:extension:name"
# Every warehouse here writes these by their meaning, as text if it has no such type.
COMMON = frozenset(["arrow.uuid", "arrow.json"])


def ascii_lower(name: str) -> str:
    return "".join(c.lower() if c.isascii() else c for c in name)


@dataclass(frozen=True)
class ColumnRules:
    """The rules of one warehouse for names and types of columns."""

    # As messages call it.
    warehouse: str
    # Names that this makes equal are one name; `None` where letter case tells columns apart.
    fold: Callable[[str], str] | None = str.lower
    # Whether that also holds for the fields of a struct.
    folds_fields: bool = False
    # The most bytes of a name.
    longest: int | None = None
    # The extension types of Arrow that are written by their meaning; all others are refused, since
    # their storage is something else.
    extensions: frozenset[str] = COMMON
    # Whether it has a type for Arrow's sparse unions; dense ones are refused everywhere.
    has_unions: bool = False

    def check(self, schema: pa.Schema) -> None:
        """Raises `SessionError` for the first column that the warehouse cannot keep as it is."""
        for name in schema.names:
            self._check_name(name)
        self._check_distinct(schema.names, "The frame has the columns")
        for field in schema:
            self._check_type(field.name, field)

    def _check_name(self, name: str) -> None:
        if (
            not name
            or "\0" in name
            or (self.longest is not None and len(name.encode()) > self.longest)
        ):
            most = "at least one byte" if self.longest is None else f"1 to {self.longest} bytes"
            message = f"A column's name has {most} in {self.warehouse}, without NUL: {name!r} cannot be one"
            raise SessionError("gateway::column_name", message, "Rename the column.")

    def _check_distinct(self, names: list[str], what: str) -> None:
        seen: dict[str, str] = {}
        for name in names:
            folded = name if self.fold is None else self.fold(name)
            if (other := seen.get(folded)) is not None:
                which = (
                    f"`{name}` twice"
                    if other == name
                    else f"`{other}` and `{name}`, which are one name to {self.warehouse}"
                )
                raise SessionError("gateway::column_name", f"{what} {which}", "Rename one of them.")
            seen[folded] = name

    def _check_type(self, column: str, field: pa.Field) -> None:
        import pyarrow.types as t

        extension = extension_of(field)
        if extension is not None and extension not in self.extensions:
            raise SessionError(
                "gateway::type",
                f"The column `{column}` has the Arrow extension type `{extension}`, which {self.warehouse} has no type for",
                "Write it as text or numbers: convert its values, or take the storage array if that is what you mean.",
            )
        if t.is_union(field.type) and not (self.has_unions and field.type.mode == "sparse"):
            message = f"The column `{column}` holds {field.type.mode} unions of Arrow, which {self.warehouse} has no type for"
            raise SessionError(
                "gateway::type", message, "Write its members as columns, or all of them as text."
            )
        if t.is_struct(field.type) and any("\0" in each.name for each in field.type):
            message = f"The structs in column `{column}` have a field with NUL in its name, which {self.warehouse} cannot keep"
            raise SessionError("gateway::column_name", message, "Rename the field.")
        if (
            t.is_struct(field.type)
            and self.folds_fields
            and any(not each.name for each in field.type)
        ):
            message = f"The structs in column `{column}` have a field without a name, which {self.warehouse} would give one"
            raise SessionError("gateway::column_name", message, "Rename the field.")
        if t.is_struct(field.type) and self.folds_fields:
            self._check_distinct(
                [each.name for each in field.type],
                f"The structs in column `{column}` have the fields",
            )
        for part in parts(field.type):
            self._check_type(column, part)


def extension_of(field: pa.Field) -> str | None:
    """The name of the extension type. If this process has no class for it, only the metadata says
    so."""
    import pyarrow as pa

    if isinstance(field.type, pa.BaseExtensionType):
        name = str(field.type.extension_name)
        return f"{name}[{field.type.vendor_name}]" if name == "arrow.opaque" else name
    stored: bytes | None = (field.metadata or {}).get(_EXTENSION)
    return None if stored is None else stored.decode(errors="replace")


def parts(type: Any) -> Iterable[pa.Field]:
    """The fields that a type is made of."""
    import pyarrow as pa
    import pyarrow.types as t

    if isinstance(type, pa.BaseExtensionType):
        return parts(type.storage_type)
    if t.is_dictionary(type) or t.is_run_end_encoded(type):
        return [pa.field("values", type.value_type)]
    if t.is_map(type):
        return [type.key_field, type.item_field]
    if hasattr(type, "value_field"):
        return [type.value_field]
    return list(type) if t.is_struct(type) else []
