"""Fails behind its write: nothing of it stays."""


def divide(rows):
    return len(rows) / 0


orders = ref("orders")
write_to_model(orders)
divide(orders)
