# The first process of the emulated machine (run.sh). Arguments: the checkout, and what vitest is told.
root=$1
shift
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root NO_COLOR=1
cd "$root" || exit 1
busybox ip link set lo up
groups=/sys/fs/cgroup

# Not to the console itself, where vitest would paint.
run() {
  "$@" "$root"/.tools/node-*/bin/node node_modules/vitest/vitest.mjs run --testTimeout 600000 --hookTimeout 600000 $tests >/run/said 2>&1
  status=$?
  cat /run/said
  return $status
}

# As systemd does it for Delegate=yes.
delegate() {
  mkdir "$groups/$1"
  python3 -c "import os; os.setxattr('$groups/$1', '$2.delegate', b'1')"
}

tests=$*
failed=0
echo "as root, at the top of the hierarchy"
run env || failed=1

echo "as root, in a group that is delegated"
delegate unit trusted
(sh -c 'echo $PPID' >"$groups/unit/cgroup.procs" && run env) || failed=1

echo "as an ordinary user, in a group that is delegated"
delegate user user
chown 1000 "$groups/user" "$groups/user/cgroup.procs" "$groups/user/cgroup.subtree_control" "$groups/user/cgroup.threads"
mkdir -p /run/home node_modules/.vite node_modules/.vite-temp
chown -R 1000 /run/home node_modules/.vite node_modules/.vite-temp
chown 1000 node_modules
(sh -c 'echo $PPID' >"$groups/user/cgroup.procs" && HOME=/run/home run setpriv --reuid 1000 --clear-groups) || failed=1

if [ $failed = 0 ]; then echo "all three passed"; fi
sync
echo o >/proc/sysrq-trigger
sleep 60
