write_to_model(batch for batch in ref("every_type", as_="reader"))
