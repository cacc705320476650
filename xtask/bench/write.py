import time

data = ref("events", as_="FORM")
start = time.perf_counter()
write_to_model(data)
print(f"BENCH write-FORM {time.perf_counter() - start:.6f}")
