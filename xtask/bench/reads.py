import time

for _ in range(ROUNDS):
    start = time.perf_counter()
    table = ref("events", as_="arrow")
    print(f"BENCH read-arrow {time.perf_counter() - start:.6f}")
    del table
    start = time.perf_counter()
    frame = ref("events")
    print(f"BENCH read-pandas {time.perf_counter() - start:.6f}")
write_to_model(frame.head(1))
