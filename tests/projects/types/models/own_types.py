"""Types that only pandas has, as a user makes them."""
import datetime
import decimal

import numpy
import pandas

write_to_model(
    pandas.DataFrame(
        {
            "id": numpy.array([1, 2], dtype="int8"),
            "whole": pandas.array([1, None], dtype="Int16"),
            "kind": pandas.Categorical(["b", None], categories=["a", "b"]),
            "zoned": pandas.to_datetime(["2024-02-29 12:00", None]).tz_localize("Europe/Berlin"),
            "took": pandas.to_timedelta(["1 day", None]),
            "money": [decimal.Decimal("1.10"), None],
            "day": [datetime.date(2024, 2, 29), None],
            "half": numpy.array([0.5, 1.5], dtype="float16"),
            "words": [["a", "b"], None],
            "pair": [{"a": 1}, None],
        },
        index=["x", "y"],
    )
)
