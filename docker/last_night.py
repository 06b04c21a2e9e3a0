#!/opt/ml-skeleton/.venv/bin/python
"""Exits 1 when the last night failed, else 0, also before the first one."""

import json
import sys
from pathlib import Path

status = Path(sys.argv[1])
if status.exists():
    night = json.loads(status.read_text(encoding="utf-8"))
    if night["state"] == "failed":
        sys.exit(night["error"])
