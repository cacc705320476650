write_to_model(ref("doubled"))
