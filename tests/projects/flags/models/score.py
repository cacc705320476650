rows = ref("raw")
rows["score"] = rows["size"] * 2
write_to_model(rows)
