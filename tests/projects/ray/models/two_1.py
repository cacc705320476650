import steps

write_to_model(steps.step(2, ref("one_1"), ref("one_2")))
