try:
    write_to_source(ref("orders"), "out", "log")
except FalError as error:
    print(error)
write_to_model(ref("orders"))
