import steps

write_to_model(steps.step(2, ref("raw")))
