import { sep } from "node:path";
import { landlockTool } from "./choose-isolation.ts";

/** What programs of the system need to read. Nothing under /home, /root, /tmp, /var or /run. */
const systemPaths = [
  "/usr",
  "/lib",
  "/lib32",
  "/lib64",
  "/bin",
  "/sbin",
  "/etc",
  "/opt",
  "/proc",
  "/sys/devices/system/cpu",
  "/sys/fs/cgroup",
  "/run/systemd/resolve",
];

export interface LandlockPaths {
  /** Never granted, not even as part of a system path. */
  hidden: string;
  read: readonly string[];
  write: readonly string[];
}

/** What a script may read and write, the system's paths included. */
export function landlockRules(paths: LandlockPaths): { read: string[]; write: string[] } {
  // Landlock grants trees and cannot take a branch away again.
  const holdsHidden = (path: string) => `${paths.hidden}${sep}`.startsWith(path === sep ? sep : `${path}${sep}`);
  return { read: [...systemPaths.filter((path) => !holdsHidden(path)), ...paths.read], write: [...paths.write] };
}

/** The command that limits itself to these paths and becomes `command`, an absolute path. */
export function landlockCommand(
  python: string,
  paths: LandlockPaths,
  command: string,
  args: readonly string[],
): { command: string; args: string[] } {
  const rules = JSON.stringify(landlockRules(paths));
  return { command: python, args: ["-I", "-S", "-B", landlockTool, rules, "--", command, ...args] };
}
