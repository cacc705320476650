"""Fails in its helper."""


def helper(rows):
    return rows["nothing"]


def model(dbt, fal):
    rows = dbt.ref("orders")
    return helper(rows)
