#!/usr/bin/env bash
# Reads pinned packages and prints those that torch does not bring with it.
set -euo pipefail
awk -F== '$1 == "nvidia-ml-py" || $1 !~ /^(torch|torchaudio|triton|cuda-.*|nvidia-.*)$/'
