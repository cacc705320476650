"""What it reads is computed, so it is declared here.

- ref('late_orders')
"""
name = "_".join(["late", "orders"])
write_to_model(ref(name))
