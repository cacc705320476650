"""Writes a wheel with an empty package."""

import json
import sys
import zipfile

path, name = sys.argv[1:]
info = f"{name}-0.0.1.dist-info"
files = {
    f"{name}/__init__.py": "",
    f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.0.1\n",
    f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
}
files[f"{info}/RECORD"] = "".join(f"{file},,\n" for file in [*files, f"{info}/RECORD"])
with zipfile.ZipFile(path, "w") as wheel:
    for file, text in files.items():
        wheel.writestr(file, text)
print(json.dumps(path))
