import steps

write_to_model(steps.step(4, ref("two_3"), ref("two_4")))
