import steps

write_to_model(steps.step(3, ref("five_1"), ref("four_3")))
