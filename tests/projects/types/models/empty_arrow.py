write_to_model(ref('no_rows', as_='arrow'))
