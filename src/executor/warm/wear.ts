import { readFileSync } from "node:fs";
import type { Clock } from "../../foundation/clock.ts";
import type { RunLimits } from "../../services/run-limits.ts";
import type { WarmProcess } from "./warm-process.ts";

const maxRuns = 10_000;
/** So that an interpreter that was exchanged, or what else its machine has renewed, is not missed for longer. */
const maxAgeMs = 60 * 60_000;
const maxGrowthBytes = 64 * 1024 * 1024;
const maxMoreFiles = 256;
/** Of output by the pipes, which the launcher counts over all runs and would cut in the end. */
const maxPipedBytes = 1024 ** 3;
/** How often its memory is looked at. */
const lookMs = 1_000;

/** Whether a warm process has run for long enough. */
export class Wear {
  readonly #clock: Clock;
  readonly #bornAt: number;
  /** What it may take more than after its first run. */
  readonly #roomBytes: number;
  readonly #maxFiles: number;
  #freshBytes: number | undefined;
  #freshFiles: number | undefined;
  #lookedAt = 0;

  /** A process of small limits goes before a run fails over what earlier ones have kept. */
  constructor(clock: Clock, { memoryBytes = Infinity, openFiles = Infinity }: RunLimits) {
    this.#clock = clock;
    this.#bornAt = clock.monotonic();
    this.#roomBytes = Math.min(maxGrowthBytes, memoryBytes / 4);
    this.#maxFiles = openFiles;
  }

  /** To be asked after each of its runs. */
  isWorn({ pid, runs, pipedBytes, openFiles }: WarmProcess): boolean {
    const now = this.#clock.monotonic();
    if (runs >= maxRuns || now - this.#bornAt > maxAgeMs || pipedBytes > maxPipedBytes) return true;
    if (this.#keepsFiles(openFiles)) return true;
    if (this.#freshBytes !== undefined && now - this.#lookedAt < lookMs) return false;
    this.#lookedAt = now;
    const bytes = memoryOf(pid);
    this.#freshBytes ??= bytes;
    return bytes - this.#freshBytes > this.#roomBytes;
  }

  /** What its first run has left it must have, all but a quarter. */
  #keepsFiles(openFiles: number): boolean {
    this.#freshFiles ??= openFiles;
    const room = Math.min(maxMoreFiles, (this.#maxFiles - this.#freshFiles) / 4);
    return openFiles - this.#freshFiles > room;
  }
}

/** Memory that is no file's; 0 where /proc does not tell. */
function memoryOf(pid: number): number {
  try {
    const kibibytes = /^RssAnon:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return Number(kibibytes ?? 0) * 1024;
  } catch {
    return 0;
  }
}
