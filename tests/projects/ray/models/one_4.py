import steps

write_to_model(steps.step(5, ref("raw")))
