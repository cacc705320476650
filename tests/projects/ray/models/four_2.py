import steps

write_to_model(steps.step(3, ref("three_3"), ref("three_4")))
