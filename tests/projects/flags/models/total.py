"""Says where its rows come from."""

raw, score = ref("raw"), ref("score")
raw["raw_from"] = raw.pop("origin")
raw["score_from"] = score["origin"]
write_to_model(raw[["raw_from", "score_from"]])
