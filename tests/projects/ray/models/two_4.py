import steps

write_to_model(steps.step(5, ref("one_1"), ref("one_4")))
