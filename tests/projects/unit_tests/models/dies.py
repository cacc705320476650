import os
import signal

write_to_model(ref("payments"))
os.kill(os.getpid(), signal.SIGKILL)
