write_to_model(ref("a_loop"))
