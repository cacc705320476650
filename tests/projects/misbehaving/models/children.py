import os
import subprocess
import sys

subprocess.Popen(["sleep", "3600"])
subprocess.Popen(["sleep", "3600"], start_new_session=True)
# A daemon as in the textbook: it leaves its parent, its session, its folder and its environment.
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.chdir("/")
        os.execve("/bin/sleep", ["sleep", "3600"], {"FAL_E2E_MARK": os.environ["FAL_E2E_MARK"]})
    os._exit(0)
os.wait()
write_to_model(ref("orders"))
