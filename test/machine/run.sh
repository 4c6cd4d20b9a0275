#!/bin/sh
# Runs tests on a kernel of its own, in an emulated machine, where control groups of version 2 have all controllers:
#
#   npm run machine -- test/integration/runtimes/control-groups.test.ts
#
# By hand, because it is slow (a minute to start, tests at a tenth of their speed). It runs them three times: as root at the top of the
# hierarchy, as root in a group that is delegated, and as an ordinary user in another one.
#
# Needs Debian's qemu-system-x86 and busybox-static, and fetches the package of Debian's kernel once, into .tools/machine. The file system
# of this machine is seen there, and changes to it are lost with it.
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
place=$root/.tools/machine
seconds=${FX_MACHINE_SECONDS:-1800}
modules="virtio virtio_ring virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci netfs fscache 9pnet 9pnet_virtio 9p overlay"

if ! ls "$place"/kernel/boot/vmlinuz-* >/dev/null 2>&1; then
  mkdir -p "$place" && cd "$place"
  apt-get download "$(apt-cache depends linux-image-amd64 | sed -n 's/.*Depends: \(linux-image-\)/\1/p')"
  dpkg -x linux-image-*.deb kernel
  rm linux-image-*.deb
fi

# What the machine starts with: a shell, and the modules to reach the file system.
disk=$place/initial
rm -rf "$disk"
mkdir -p "$disk/bin" "$disk/modules" "$disk/proc" "$disk/sys" "$disk/dev" "$disk/low" "$disk/up" "$disk/new"
cp "$(command -v busybox)" "$disk/bin/"
for module in $modules; do
  find "$place/kernel/lib/modules" -name "$module.ko" -exec cp {} "$disk/modules/" \;
done
cat >"$disk/init" <<EOF
#!/bin/busybox sh
b=/bin/busybox
\$b mount -t proc proc /proc; \$b mount -t sysfs sys /sys; \$b mount -t devtmpfs dev /dev
# They need one another, in no order that matters enough to know.
for round in 1 2 3 4; do for module in $modules; do \$b insmod /modules/\$module.ko 2>/dev/null; done; done
\$b mount -t 9p -o trans=virtio,version=9p2000.L,msize=524288,cache=loose,ro root /low
\$b mount -t tmpfs up /up; \$b mkdir /up/changes /up/work
\$b mount -t overlay -o lowerdir=/low,upperdir=/up/changes,workdir=/up/work o /new
for mounted in proc sys dev; do \$b mount --move /\$mounted /new/\$mounted; done
\$b mount -t tmpfs run /new/run
\$b mkdir -p /new/dev/shm; \$b mount -t tmpfs -o mode=1777 shm /new/dev/shm
\$b mount -t cgroup2 none /new/sys/fs/cgroup
exec \$b switch_root /new /bin/sh $root/test/machine/inside.sh $root $*
EOF
chmod +x "$disk/init"
(cd "$disk" && find . | busybox cpio -o -H newc 2>/dev/null | gzip >"$place/initial.gz")

said=$place/said.log
timeout -k 5 "$seconds" qemu-system-x86_64 -machine q35,accel=tcg -cpu max -smp 2 -m 4096 -nographic -no-reboot -nic none \
  -kernel "$place"/kernel/boot/vmlinuz-* -initrd "$place/initial.gz" -append "console=ttyS0 loglevel=3 panic=-1 cryptomgr.notests" \
  -virtfs local,path=/,mount_tag=root,security_model=none,readonly=on,multidevs=remap </dev/null | tee "$said"
grep -q "^all three passed" "$said"
