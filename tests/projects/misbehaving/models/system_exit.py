rows = ref("orders")
if len(rows) > 0:
    raise SystemExit(0)
write_to_model(rows)
