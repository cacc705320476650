write_to_model(ref('no_rows_of_polars', as_='polars'))
