#!/usr/bin/env bash
# Does what `docker build` would do, in a bare Debian 12 made by debootstrap, and then what a user would do there.
# Needs root, debootstrap and 20 GB. Nothing of the machine is in it but its certificates and name servers.
#
#     docker/fresh-root.sh FOLDER [STEP…]     the steps are those below, all by default
set -euo pipefail
repository=$(cd "$(dirname "$0")/.." && pwd)
root=${1:?name the folder of the new root}
shift
steps=("$@")
(( ${#steps[@]} )) || steps=(bare system user packages tools notebooks exit_code compiled doctor demo test)

inside() { # as in the image: no variable of this machine
    env -i HOME="$1" PATH=/opt/ml-skeleton/.venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
        UV_NO_CACHE=1 PIP_NO_CACHE_DIR=1 PIP_CERT=/etc/ssl/certs/ca-certificates.crt SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt \
        chroot "${@:2}"
}
as_root() { inside /root "$root" "/opt/ml-skeleton/docker/$1.sh"; }
as_user() { inside /home/listener --userspec=listener:listener "$root" bash -ceu "cd /opt/ml-skeleton; $1"; }

copy() { # what a clone would hold, and what COPY copies
    mkdir -p "$2"
    git -C "$1" ls-files -z --cached --others --exclude-standard | tar -C "$1" --null --files-from=- --create | tar -C "$2" --extract --no-same-owner
}
mounted() { # as a container has them; not before there is a root
    [[ -d $root/proc ]] || return 0
    mountpoint --quiet "$root/proc" && return 0
    mount -t proc proc "$root/proc"
    mount --rbind /dev "$root/dev" # with its terminals and its shared memory
    mount --make-rslave "$root/dev"
}
bare() {
    debootstrap --variant=minbase bookworm "$root" "${DEBIAN_MIRROR:-http://deb.debian.org/debian}" >/dev/null
    copy "$repository" "$root/opt/ml-skeleton"
    cp -L /etc/resolv.conf "$root/etc/"
    mkdir -p "$root/etc/ssl/certs"
    cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
}
system() {
    as_root system
    cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/" # the package has just written its own
}
user() { as_root user; }
packages() { as_root packages; }
tools() { as_root tools; }
notebooks() { as_root notebooks; }
exit_code() {
    local code=0
    as_user 'docker/entrypoint.sh sh -c "exit 75"' || code=$?
    (( code == 75 )) || { echo "the entry point made $code of 75" >&2; exit 1; }
}
compiled() { # with -v, Python names the file that it took the code of each module from
    local said
    said=$(as_user 'python -v -c "import mlflow, pyarrow, torch, ml_skeleton_embed.cli" 2>&1')
    ! grep "^# code object from /.*\.py$" <<<"$said" >&2 || { echo "these are compiled at every start" >&2; exit 1; }
}
doctor() { as_user 'just out=/data doctor'; }
demo() { as_user 'just demo=/data/demo demo'; }
test() {
    copy "$repository" "$root/home/listener/ml-skeleton"
    chroot "$root" chown -R listener: /home/listener
    as_user 'cd ~/ml-skeleton; git init --quiet; git add --all; .ci/run'
}

mkdir -p "$root"
trap 'umount --quiet --recursive "$root/dev" "$root/proc" || true' EXIT
for step in "${steps[@]}"; do
    began=$SECONDS
    mounted
    "$step"
    echo "fresh-root: $step: $(( SECONDS - began )) s, $(du -sh --one-file-system "$root" | cut -f1)" >&2
done
