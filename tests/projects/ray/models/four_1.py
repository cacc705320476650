import steps

write_to_model(steps.step(2, ref("three_1"), ref("three_2")))
