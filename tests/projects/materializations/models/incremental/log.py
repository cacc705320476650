"""A stream, appended: the default strategy without a key."""
import pyarrow as pa


def batches():
    for number in range(3):
        yield pa.table({"round": [var("round")], "batch": [number]})


write_to_model(batches())
