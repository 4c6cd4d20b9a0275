import { closeSync, openSync, readdirSync, readFileSync, readlinkSync } from "node:fs";

/** Loaded into a platform: from SIGUSR2 on, the descriptor that it syncs its catalog by is a device's that cannot be synced. */
process.on("SIGUSR2", () => {
  const broken = readdirSync("/proc/self/fd").find((descriptor) => isSynced(descriptor));
  closeSync(Number(broken));
  while (openSync("/dev/null", "r") !== Number(broken));
});

/** The log of the catalog, opened to be read only; SQLite's own descriptor of it writes. */
function isSynced(descriptor: string): boolean {
  try {
    if (!readlinkSync(`/proc/self/fd/${descriptor}`).endsWith("catalog.db-wal")) return false;
    return /^flags:\s+\d*0$/m.test(readFileSync(`/proc/self/fdinfo/${descriptor}`, "utf8"));
  } catch {
    return false;
  }
}
