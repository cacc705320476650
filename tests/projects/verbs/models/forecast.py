orders = ref("orders")
write_to_model(orders.assign(amount=orders["amount"] + 1))
