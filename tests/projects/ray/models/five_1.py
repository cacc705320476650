import steps

write_to_model(steps.step(2, ref("four_1"), ref("four_2")))
