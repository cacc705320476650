"""A module of the project that every model imports: it travels with them."""

import pandas as pd


def step(number, *frames):
    """Rows of all frames, changed by the number: what a model says of its inputs."""
    rows = pd.concat(frames, ignore_index=True)
    rows = rows.groupby("id", as_index=False).agg({"amount": "sum", "name": "first", "at": "max", "price": "first"})
    rows["amount"] = rows["amount"] * 1.5 + number
    rows["name"] = rows["name"].str.upper().where(rows["id"] % number == 0, rows["name"])
    rows["at"] = rows["at"] + pd.Timedelta(seconds=number)
    return rows
