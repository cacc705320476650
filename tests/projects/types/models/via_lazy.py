write_to_model(ref("types_of_polars", as_="polars").lazy())
