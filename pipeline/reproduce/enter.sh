#!/bin/sh
# Makes namespaces a world of their own and holds them until standard input ends.
#   enter.sh HOST_NAME USER FOLDER IN_MEMORY
# HOST_NAME and USER: the new names, empty for no change; IN_MEMORY: 1 to put FOLDER into memory.
# Runs as the first process of new mount and UTS namespaces, and for a world with an engine of its own in a
# PID namespace too, so that the engine ends with it (see rooms.py).
set -eu
host_name=$1 user=$2 folder=$3 in_memory=$4

mount --make-rprivate /
if [ -n "$host_name" ]; then
    echo "$host_name" > /proc/sys/kernel/hostname
fi
if [ -n "$user" ]; then
    # The same number by another name.
    passwd=$(mktemp)
    awk -F: -v OFS=: -v id="$(id -u)" -v user="$user" '$3 == id { $1 = user } { print }' /etc/passwd > "$passwd"
    mount --bind "$passwd" /etc/passwd
    rm "$passwd"
fi
if [ "$in_memory" = 1 ]; then
    mount -t tmpfs tmpfs "$folder"
fi
echo ready
cat > /dev/null
