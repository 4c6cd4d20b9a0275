import { readdirSync, readFileSync, readlinkSync } from "node:fs";

export interface PortHolder {
  pid: number;
  /** Its command line, as far as it may be read. */
  command: string;
}

/**
 * Who listens on a TCP port of this machine: from /proc on Linux, undefined elsewhere, and for
 * another user's process, which only root may see.
 */
export function findPortHolder(port: number): PortHolder | undefined {
  const sockets = new Set([...listeners("/proc/net/tcp", port), ...listeners("/proc/net/tcp6", port)]);
  if (sockets.size === 0) return undefined;
  for (const pid of numericEntries("/proc")) {
    const descriptors = `/proc/${pid}/fd`;
    for (const descriptor of numericEntries(descriptors)) {
      if (sockets.has(attempt(() => readlinkSync(`${descriptors}/${descriptor}`)) ?? "")) {
        return { pid: Number(pid), command: commandOf(pid) };
      }
    }
  }
  return undefined;
}

/** Names of the sockets that listen on the port, as links in /proc/<pid>/fd write them. */
function listeners(table: string, port: number): string[] {
  const listening = "0A";
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const lines =
    attempt(() => readFileSync(table, "utf8"))
      ?.split("\n")
      .slice(1) ?? [];
  return lines.flatMap((line) => {
    // proc(5): sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode
    const fields = line.trim().split(/\s+/);
    return fields[1]?.endsWith(suffix) && fields[3] === listening ? [`socket:[${fields[9]}]`] : [];
  });
}

function commandOf(pid: string): string {
  const line = attempt(() => readFileSync(`/proc/${pid}/cmdline`, "utf8")) ?? "";
  return line.replaceAll("\0", " ").trim() || "(its command line cannot be read)";
}

function numericEntries(directory: string): string[] {
  return (attempt(() => readdirSync(directory)) ?? []).filter((name) => /^\d+$/.test(name));
}

/** A process may end while it is looked at. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
