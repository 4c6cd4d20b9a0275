import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Settings } from "../../config/settings.ts";
import { PlatformError } from "../../foundation/errors.ts";
import type { DataDirectory } from "../data-directory.ts";
import { type MovedPorts, movedText } from "../moved-ports.ts";
import { isEmbedded, type Port, ports } from "../roles.ts";
import { placeOf } from "./place-of.ts";

export interface CopyPlan {
  /** Engines whose contents go elsewhere, and where to. */
  moving: readonly { port: Port; to: string }[];
  /** Those that an earlier try has begun to fill. */
  begun: ReadonlySet<Port>;
  /** Engines that are where the settings have them. */
  staying: readonly { port: Port; at: string }[];
}

/** What each embedded engine keeps its contents in. */
const contentsOf: Record<Port, string> = {
  bus: "bus.db",
  catalog: "catalog.db",
  configStore: "config.db",
  artifactStore: "artifacts",
  opsData: "ops.db",
};

/** Throws `not-found` where the directory holds no embedded installation. */
export function requireInstallation(directory: string): void {
  const known = ["moved.json", ...Object.values(contentsOf)];
  if (known.some((name) => existsSync(join(directory, name)))) return;
  throw new PlatformError("not-found", `${resolve(directory)} holds no installation: it has no ${contentsOf.catalog}`);
}

/** What the settings ask for. Throws `invalid-input` where nothing is left to copy. */
export function planCopy(from: DataDirectory, settings: Settings, moved: MovedPorts): CopyPlan {
  const isThere = (port: Port) => moved[port]?.state !== "moved" && existsSync(from.file(contentsOf[port]));
  const isElsewhere = (port: Port) => !isEmbedded(settings, port) || settings.dataDir !== from.path;
  const moving = ports.filter((port) => isThere(port) && isElsewhere(port));
  for (const port of ports) {
    const { to, state } = moved[port] ?? {};
    if (state !== "moved" || to === placeOf(settings, port)) continue;
    throw new PlatformError(
      "conflict",
      `what ${from.path} held of ${port} was copied to ${to}, and the settings name ${placeOf(settings, port)}`,
    );
  }
  if (moving.length === 0) {
    const before = movedText(moved);
    const now = ports.map((port) => `${port}.driver is ${settings[port].driver}`).join(", ");
    throw new PlatformError(
      "invalid-input",
      `there is nothing to copy out of ${from.path}: ${before === "" ? now : `it was copied before, ${before}`}. Set the engines that it is to be copied to (docs/deploy.md)`,
    );
  }
  return {
    moving: moving.map((port) => ({ port, to: placeOf(settings, port) })),
    begun: new Set(moving.filter((port) => moved[port]?.to === placeOf(settings, port))),
    staying: ports.filter((port) => !moving.includes(port)).map((port) => ({ port, at: placeOf(settings, port) })),
  };
}
