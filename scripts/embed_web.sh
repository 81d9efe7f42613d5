#!/bin/sh
# Writes the files of DIR as the C symbols of host/web.h.
# Usage: embed_web.sh DIR
set -eu

exec /usr/bin/python3 - "$1" <<'PYTHON'
import hashlib
import pathlib
import sys

TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8",
         ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}

files = sorted(pathlib.Path(sys.argv[1]).iterdir())
print('#include "web.h"\n')
for number, file in enumerate(files):
    data = file.read_bytes()
    print(f"static const char file_{number}[] = {{")
    for start in range(0, len(data), 16):
        print("\t" + " ".join(f"{byte if byte < 128 else byte - 256}," for byte in data[start:start + 16]))
    print("};")
print("\nconst struct web_file web_files[] = {")
for number, file in enumerate(files):
    etag = hashlib.sha256(file.read_bytes()).hexdigest()[:32]
    print(f'\t{{ "{file.name}", "{TYPES[file.suffix]}", "\\"{etag}\\"", file_{number}, sizeof(file_{number}) }},')
print(f"}};\nconst size_t web_n_files = {len(files)};")
PYTHON
