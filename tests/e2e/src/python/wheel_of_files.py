"""Writes a wheel of files alone: `wheel_of_files.py FOLDER NAME VERSION FILE=PLACE...`, and prints its path.

A place begins with `scripts/` or `data/`, the folders of an environment that a wheel can fill.
"""

import base64
import hashlib
import json
import os
import sys
import zipfile

folder, name, version, *pairs = sys.argv[1:]
stem = f"{name.replace('-', '_')}-{version}"
path = os.path.join(folder, f"{stem}-py3-none-any.whl")
record = []
os.makedirs(folder, exist_ok=True)
with zipfile.ZipFile(path, "w") as wheel:

    def put(place, content, mode=0o644):
        info = zipfile.ZipInfo(place)
        info.external_attr = (0o100000 | mode) << 16
        wheel.writestr(info, content)
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        record.append(f"{place},sha256={digest},{len(content)}")

    for pair in pairs:
        source, _, place = pair.rpartition("=")
        with open(source, "rb") as file:
            mode = os.fstat(file.fileno()).st_mode & 0o777
            put(f"{stem}.data/{place}", file.read(), mode)
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    put(f"{stem}.dist-info/METADATA", metadata.encode())
    tag = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: false\nTag: py3-none-any\n"
    put(f"{stem}.dist-info/WHEEL", tag.encode())
    record.append(f"{stem}.dist-info/RECORD,,")
    wheel.writestr(f"{stem}.dist-info/RECORD", "\n".join(record) + "\n")
print(json.dumps(path))
