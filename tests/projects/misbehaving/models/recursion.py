def again(n):
    return again(n + 1)


again(0)
write_to_model(ref("orders"))
