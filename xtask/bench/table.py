"""The table of results, in Markdown."""

from typing import NamedTuple


class Rate(NamedTuple):
    """Rows, and the seconds that they took."""

    rows: int
    time: float

    def per_second(self) -> float:
        return self.rows / max(self.time, 1e-9)

    def __str__(self) -> str:
        return f"{self.per_second():.0f} rows/s"


class Table:
    """Rows in the order in which they were measured. Ratios below 1 are in fal-host's favour."""

    def __init__(self) -> None:
        self.lines = ["| what | fal-host | compared with | ratio | aim |", "|---|--:|--:|--:|--:|"]

    def row(self, what: str, own: str, other: str = "", ratio: str = "", aim: str = "") -> None:
        self.lines.append(f"| {what} | {own} | {other} | {ratio} | {aim} |")

    def times(self, what: str, own: float, name: str, other: float, aim: str) -> None:
        """Adds a time, and the time of another tool for the same work."""
        self.row(what, seconds(own), f"{name}: {seconds(other)}", ratio(own, other), aim)

    def time(self, what: str, own: float, aim: str = "") -> None:
        self.row(what, seconds(own), aim=aim)

    def rates(self, what: str, own: Rate, name: str, other: Rate) -> None:
        """Adds rows per second. The ratio is that of the times per row."""
        self.row(what, str(own), f"{name}: {other}", ratio(other.per_second(), own.per_second()))

    def memory(self, what: str, own: int, name: str, other: int) -> None:
        """Adds memory in bytes."""
        self.row(what, mebibytes(own), f"{name}: {mebibytes(other)}", ratio(own, other))

    def peaks(self, what: str, peaks: dict[str, int], aim: str) -> None:
        """Adds the memory of several processes."""
        shown = ", ".join(f"{name} {mebibytes(peak)}" for name, peak in peaks.items())
        self.row(what, shown, aim=aim)

    def __str__(self) -> str:
        return "\n".join(self.lines)


def ratio(own: float, other: float) -> str:
    return f"{own / max(other, 1e-9):.2f}"


def seconds(time: float) -> str:
    return f"{time * 1000:.2f} ms" if time < 0.02 else f"{time:.2f} s"


def microseconds(nanoseconds: int) -> str:
    return f"{nanoseconds / 1000:.1f} µs"


def mebibytes(count: int) -> str:
    return f"{count // 1024 // 1024} MiB"
