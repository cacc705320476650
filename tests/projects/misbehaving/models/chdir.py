import os

os.chdir("/")
write_to_model(ref("orders"))
