import threading
import time

threading.Thread(target=time.sleep, args=[3600]).start()
write_to_model(ref("orders"))
