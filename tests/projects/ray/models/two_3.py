import steps

write_to_model(steps.step(4, ref("one_3"), ref("one_4")))
