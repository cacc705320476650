write_to_model(ref("orders").assign(id=lambda rows: rows["id"] + 10))
