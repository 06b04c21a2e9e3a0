#!/usr/bin/env bash
# Installs what the system has to bring: Python with venv, git, and mcron, a cron that needs no root
# (and asks for a program that sends mail: the smallest).
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
apt-get update --quiet=2
apt-get install --quiet=2 --yes --no-install-recommends ca-certificates git mcron msmtp-mta procps python3 python3-venv >/dev/null
rm -rf /var/lib/apt/lists/*
