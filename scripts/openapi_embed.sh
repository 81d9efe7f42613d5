#!/bin/sh
# Writes an OpenAPI description in YAML as the C symbols of host/openapi.h, as JSON.
# Usage: openapi_embed.sh FILE
set -eu

exec /usr/bin/python3 - "$1" <<'PYTHON'
import json
import sys

import yaml

with open(sys.argv[1], encoding="utf-8") as file:
    text = json.dumps(yaml.safe_load(file), separators=(",", ":"))
print('#include "openapi.h"\n\nconst char openapi_json[] = {')
for start in range(0, len(text), 16):
    print("\t" + " ".join(f"{ord(c)}," for c in text[start:start + 16]))
print("};\nconst size_t openapi_json_len = sizeof(openapi_json);")
PYTHON
