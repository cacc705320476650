"""Orders of an average day, by weekday."""

import pandas as pd

orders = ref("orders")
orders["weekday"] = pd.to_datetime(orders["day"]).dt.day_name()
average = orders.groupby("weekday", as_index=False)["orders"].mean()
print(f"busiest on {average.loc[average['orders'].idxmax(), 'weekday']}s")
write_to_model(average)
