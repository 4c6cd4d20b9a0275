import { readFileSync, statSync } from "node:fs";
import type { Timer } from "../../foundation/clock.ts";
import { messageOf } from "../../foundation/errors.ts";
import type { ForkRequest, Launched, LaunchListener } from "../launcher/launcher.ts";
import { RestartDelay } from "../launcher/restart-delay.ts";
import type { Preloaded } from "./preload.ts";
import { type ZygoteParts, ZygoteProcess } from "./zygote-process.ts";

/** How often it is looked at while scripts are started: memory, and whether the interpreter was exchanged. */
const inspectMs = 1_000;
const defaultMaxGrowthBytes = 32 * 1024 * 1024;

/**
 * A warm interpreter that forks one process a run. It is replaced when it dies, when it has grown, and when
 * its interpreter was exchanged; runs that it has started end undisturbed.
 */
export class Zygote {
  readonly #parts: ZygoteParts;
  readonly #delay: RestartDelay;
  readonly #retired = new Set<ZygoteProcess>();
  #process: ZygoteProcess | undefined;
  #fresh: { rssBytes: number; interpreter: string } | undefined;
  #inspectedAt = 0;
  #restart: Timer | undefined;
  #closed = false;
  #isStarting = false;
  #starting: Promise<void>;

  constructor(parts: ZygoteParts) {
    this.#parts = parts;
    this.#delay = new RestartDelay(parts.clock);
    this.#starting = this.#start();
  }

  /** False while there is none: the caller spawns instead, so that no run waits for a zygote. */
  get isReady(): boolean {
    return this.#process !== undefined;
  }

  /** There is one, or its start is under way. */
  get isExpected(): boolean {
    return this.isReady || this.#isStarting;
  }

  /** Resolves when the start under way is over: whether there is one now. */
  async settled(): Promise<boolean> {
    await this.#starting;
    return this.isReady;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** What came of the modules that it was to import ahead; undefined while there is none. */
  get preloaded(): Preloaded | undefined {
    return this.#process?.preloaded;
  }

  /** Forks a run. Only while `isReady`. */
  start(request: ForkRequest, listener: LaunchListener): Launched {
    const process = this.#process;
    if (process === undefined) throw new Error("the zygote is not ready");
    const launched = process.start(request, listener);
    this.#inspect(process);
    return launched;
  }

  /** Forks nothing more, and goes when its last run has ended. */
  async closeWhenIdle(): Promise<void> {
    this.#closed = true;
    this.#restart?.cancel();
    await this.#starting;
    const process = this.#process;
    this.#process = undefined;
    if (process) this.#retired.add(process);
    await Promise.all([...this.#retired].map((retired) => retired.endWhenIdle()));
  }

  /** Goes, with all that it runs. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#restart?.cancel();
    await this.#starting;
    const all = [...this.#retired, ...(this.#process ? [this.#process] : [])];
    this.#process = undefined;
    await Promise.all(all.map((process) => process.close()));
  }

  async #start(): Promise<void> {
    const { log, python } = this.#parts;
    this.#delay.started();
    this.#isStarting = true;
    try {
      const process = await ZygoteProcess.open(this.#parts, (died, lostRuns) => this.#died(died, lostRuns));
      if (this.#closed) return await process.close();
      const former = this.#process;
      this.#process = process;
      this.#fresh = { rssBytes: residentBytes(process.pid), interpreter: identityOf(python) };
      if (former) this.#retire(former);
    } catch (error) {
      if (this.#closed) return;
      const delayMs = this.#delay.next();
      log.warn({ python, error: messageOf(error), delayMs }, "no warm Python could be started; scripts start cold");
      this.#startLater(delayMs);
    } finally {
      this.#isStarting = false;
    }
  }

  #startLater(delayMs: number): void {
    this.#restart = this.#parts.clock.setTimer(delayMs, () => {
      this.#starting = this.#start();
    });
  }

  #died(process: ZygoteProcess, lostRuns: number): void {
    if (this.#retired.delete(process) || this.#process !== process) return;
    this.#process = undefined;
    if (this.#closed) return;
    const delayMs = this.#delay.next();
    this.#parts.log.warn({ lostRuns, delayMs }, "the warm Python ended; starting another");
    this.#startLater(delayMs);
  }

  #retire(process: ZygoteProcess): void {
    this.#retired.add(process);
    void process.endWhenIdle();
  }

  #inspect(process: ZygoteProcess): void {
    const { clock, python, maxGrowthBytes = defaultMaxGrowthBytes } = this.#parts;
    const now = clock.monotonic();
    if (now - this.#inspectedAt < inspectMs || this.#fresh === undefined) return;
    this.#inspectedAt = now;
    const grownBytes = residentBytes(process.pid) - this.#fresh.rssBytes;
    if (grownBytes <= maxGrowthBytes && identityOf(python) === this.#fresh.interpreter) return;
    // Asked for once: until the next one is there, this one goes on.
    this.#fresh = undefined;
    this.#starting = this.#start();
  }
}

function residentBytes(pid: number): number {
  try {
    const kibibytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return Number(kibibytes ?? 0) * 1024;
  } catch {
    return 0;
  }
}

function identityOf(python: string): string {
  try {
    const { ino, mtimeMs, size } = statSync(python);
    return `${ino} ${mtimeMs} ${size}`;
  } catch {
    return "gone";
  }
}
