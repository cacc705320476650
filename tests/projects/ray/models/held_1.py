"""Waits, where a test wants it to: until the file that it made is gone."""

import os
import time

import steps

folder = "HOLD"
if os.path.isdir(folder):
    held = os.path.join(folder, "held_1")
    open(held, "w").close()
    while os.path.exists(held):
        time.sleep(0.05)
write_to_model(steps.step(2, ref("one_1")))
