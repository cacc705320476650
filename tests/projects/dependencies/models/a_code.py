def read():
    return ref("late_orders")


write_to_model(read())
