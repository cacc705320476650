import os

rows = ref("orders")
if len(rows) > 0:
    os._exit(0)
write_to_model(rows)
