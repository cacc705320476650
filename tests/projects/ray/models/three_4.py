import steps

write_to_model(steps.step(5, ref("two_4"), ref("one_1")))
