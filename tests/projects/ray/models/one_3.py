import steps

write_to_model(steps.step(4, ref("raw")))
