import pandas

PARENTS = ["late_orders", "customers"]
frames = [ref(name) for name in PARENTS]
write_to_model(pandas.concat(frames))
