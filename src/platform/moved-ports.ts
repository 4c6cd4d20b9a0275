import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { PlatformError } from "../foundation/errors.ts";
import type { DataDirectory } from "./data-directory.ts";
import { type Drivers, isEmbedded, type Port, ports } from "./roles.ts";

/** Of one embedded engine: where `fx copy` has taken what it holds. */
export interface Moved {
  /** Such as "PostgreSQL at db:5432/fx". */
  to: string;
  /** `copying`: it was begun, and what is there is a part. */
  state: "copying" | "moved";
  /** RFC 3339. */
  at: string;
}

export type MovedPorts = { readonly [Name in Port]?: Moved };

const fileName = "moved.json";

/** What was taken out of a data directory. Throws `corrupt` where that cannot be read. */
export function readMoved(data: DataDirectory): MovedPorts {
  const file = data.file(fileName);
  if (!existsSync(file)) return {};
  try {
    return JSON.parse(readFileSync(file, "utf8")) as MovedPorts;
  } catch (error) {
    throw new PlatformError("corrupt", `${file} cannot be read: it says what fx copy has taken elsewhere`, {
      cause: error,
    });
  }
}

/** Whole or not at all. */
export function writeMoved(data: DataDirectory, moved: MovedPorts): void {
  const file = data.file(fileName);
  writeFileSync(`${file}.new`, `${JSON.stringify(moved, undefined, 2)}\n`, { mode: 0o600, flush: true });
  renameSync(`${file}.new`, file);
}

/** "bus, opsData to one place; catalog to another". */
export function movedText(moved: MovedPorts, of: readonly Port[] = ports): string {
  const places = Map.groupBy(
    of.filter((port) => moved[port]?.state === "moved"),
    (port) => moved[port]?.to,
  );
  return [...places].map(([to, gone]) => `${gone.join(", ")} to ${to}`).join("; ");
}

/**
 * Throws `conflict` where an embedded engine would be used whose contents are elsewhere now: two installations would do the
 * same work. What was copied in part goes out of date with this use, so that the next copy begins anew.
 */
export function requireNotMoved(data: DataDirectory, settings: Drivers): void {
  const moved = readMoved(data);
  const used = ports.filter((port) => isEmbedded(settings, port) && moved[port] !== undefined);
  const gone = used.filter((port) => moved[port]?.state === "moved");
  if (gone.length > 0) {
    throw new PlatformError(
      "conflict",
      `the installation in ${data.path} was copied elsewhere: ${movedText(moved, gone)}. Give the settings it was copied with; or delete ${data.file(fileName)}, to go back to what it was then`,
    );
  }
  const left = Object.fromEntries(Object.entries(moved).filter(([port]) => !used.includes(port as Port)));
  if (used.length === 0) return;
  if (Object.keys(left).length === 0) rmSync(data.file(fileName));
  else writeMoved(data, left);
}
