"""Printed lines, rows of pandas."""
import sys

orders = ref("orders")
print("counting", len(orders), "orders")
print("on standard error", file=sys.stderr)
orders["twice"] = orders["id"] * 2
write_to_model(orders)
