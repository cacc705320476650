line = "x" * 999
for _ in range(50_000):
    print(line)
print("chatty is done")
write_to_model(ref("orders"))
