"""Totals of customers, with the first day on which they paid."""

import os

orders = ref("orders")
orders["amount"] = orders["amount"].astype(float)
assert var("big") == (1000 if is_incremental() and "PLACE" in os.environ else 100)
known = source("crm", "customers")
big = execute_sql("select id from {{ ref('orders') }} where {{ is_big('amount') }}")
orders["is_big"] = orders["id"].isin(big["id"])
if is_incremental():
    orders = orders[orders["paid_on"] > execute_sql("select max(first) as first from {{ this }}")["first"][0]]
totals = orders.merge(known, on="customer").groupby("customer", as_index=False)
totals = totals.agg(amount=("amount", "sum"), first=("paid_on", "min"), big=("is_big", "any"))
totals["place"] = env_var("PLACE", "nowhere") + os.environ.get("PLACE", "")
print("total of", len(totals), "customers")
write_to_model(totals)
