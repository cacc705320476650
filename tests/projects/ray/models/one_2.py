import steps

write_to_model(steps.step(3, ref("raw")))
