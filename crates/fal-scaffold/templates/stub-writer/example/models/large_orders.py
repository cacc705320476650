orders = ref("orders")
write_to_model(orders[orders["amount"] > 100])
