PARENT = "late_orders"
write_to_model(ref(PARENT))
