import steps

write_to_model(steps.step(4, ref("three_1"), ref("three_4")))
