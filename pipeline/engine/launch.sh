#!/bin/sh
# Makes ROOT the root of a mount namespace of its own and becomes the engine in it.
#   launch.sh ROOT STATE SOCKETS WORK [engine argument]…
# WORK is an empty directory to mount on. ROOT stays as it was built: what the engine writes there (iptables links,
# resolv.conf, certificates) goes to memory and is gone with the process.
# Runs as the first process of new mount and PID namespaces (see process.py).
set -eu
umask 022
root=$1 state=$2 sockets=$3 work=$4
shift 4

mount --make-rprivate /
mount -t tmpfs tmpfs "$work"
mkdir "$work/upper" "$work/work" "$work/root"
mount -t overlay overlay -o "lowerdir=$root,upperdir=$work/upper,workdir=$work/work" "$work/root"
new=$work/root

mkdir -p "$new/dev" "$new/sys" "$new/proc" "$new/run" "$new/tmp" "$new/var/lib/dagger" "$new/.old"
mount --rbind /dev "$new/dev"
mount --rbind /sys "$new/sys"
mount -t proc proc "$new/proc"
mount -t tmpfs tmpfs "$new/run"
mount -t tmpfs tmpfs "$new/tmp"
mkdir "$new/run/dagger"
mount --bind "$state" "$new/var/lib/dagger"
mount --bind "$sockets" "$new/run/dagger"

cat /etc/resolv.conf > "$new/etc/resolv.conf"
mkdir -p "$new/usr/local/share/ca-certificates"
for certificate in /usr/local/share/ca-certificates/*.crt; do
    [ -f "$certificate" ] && cp "$certificate" "$new/usr/local/share/ca-certificates/"
done

cd "$new"
pivot_root . .old
umount -l /.old
rmdir /.old
exec env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin /usr/local/bin/dagger-engine "$@"
