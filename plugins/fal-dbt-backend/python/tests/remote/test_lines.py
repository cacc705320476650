"""Lines of a job's output."""

import io

from fal_worker.remote.outgoing import lines


def test_lines_are_cut_and_never_lost():
    long = 64 * 1024
    data = b"a\r\n\n" + b"x" * long + b"\n" + b"y" * (3 * long + 5) + b"\nlast \xff"
    expected = ["a", "", "x" * long, "y" * long + f" [... {2 * long + 5} bytes more]", "last �"]
    assert list(lines(io.BytesIO(data))) == expected
    assert list(lines(io.BytesIO(b""))) == []
