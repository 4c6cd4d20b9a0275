import type { Settings } from "../config/settings.ts";
import type { InstanceId } from "../foundation/ids.ts";
import type { Figure } from "../metrics/figure.ts";
import type { Stores, Surroundings } from "./compose.ts";

/** Something that works in the background. */
export interface Part {
  start(): Promise<void> | void;
  /** Lets what is under way end: running steps for at most `drainMs`. */
  stop(drainMs: number): Promise<void>;
  /** What keeps it from its work, by names that people know; undefined: nothing. */
  health?(): Record<string, string | undefined>;
  /** What `/metrics` tells of it. */
  figures?: readonly Figure[];
}

export interface PartsOptions extends Surroundings {
  settings: Settings;
  stores: Stores;
  instance: InstanceId;
}
