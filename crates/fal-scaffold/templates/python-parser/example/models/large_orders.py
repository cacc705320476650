# reads: orders
name = "ord" + "ers"  # code that no parser can follow
orders = ref(name)
write_to_model(orders[orders["amount"] > 100])
