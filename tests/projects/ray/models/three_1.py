import steps

write_to_model(steps.step(2, ref("middle"), ref("two_3")))
