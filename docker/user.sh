#!/usr/bin/env bash
# Makes the user that everything runs as, and the folders that volumes are mounted to. UID is that of the first user of most machines.
set -euo pipefail
uid=${LISTENER_UID:-1000}
if former=$(getent passwd "$uid" | cut -d: -f1) && [[ -n $former && $former != listener ]]; then
    userdel "$former" # some base images come with a user of that number
fi
id listener >/dev/null 2>&1 || useradd --create-home --uid "$uid" --shell /bin/bash listener
mkdir -p /data /mlflow /music /player
chown listener: /data /mlflow
