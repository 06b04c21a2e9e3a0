#!/opt/ml-skeleton/.venv/bin/python
"""Exits 0 when the URL answers with JSON, as an API does, else 1."""

import json
import sys
from urllib.request import urlopen

try:
    with urlopen(sys.argv[1], timeout=8) as answer:
        json.load(answer)
except (OSError, ValueError) as error:
    sys.exit(f"{sys.argv[1]}: {error}")
