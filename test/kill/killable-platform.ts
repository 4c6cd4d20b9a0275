import { eventually } from "../support/eventually.ts";
import { ApiClient, FxProcess } from "../support/fx-process.ts";
import { descendantsOf, type ProcessFacts, stillRunning } from "./process-tree.ts";

const token = "the-token-of-the-kill-test";

/** The platform as its own process on a data directory that outlives it. */
export class KillablePlatform {
  readonly #process: FxProcess;
  readonly api: ApiClient;
  /** Processes that belonged to a platform that is gone, and must be gone as well. */
  readonly #orphans: ProcessFacts[] = [];

  /** How many such processes there were. */
  orphanCount = 0;

  constructor(directory: string, settings: Record<string, string | number>) {
    const flags = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
    this.#process = new FxProcess({
      command: "start",
      directory,
      token,
      flags: ["--log-level", "error", ...flags],
    });
    this.api = new ApiClient(() => this.#process.url, token);
  }

  /** Begins a start; `ready` waits for it. */
  start(): void {
    this.#process.start();
  }

  async ready(): Promise<void> {
    await this.#process.ready();
  }

  /** kill -9 of the platform's process alone: whatever it started has to notice by itself. */
  async kill(): Promise<void> {
    this.#expectOrphans();
    await this.#process.end("SIGKILL");
  }

  /** Answers the exit code. */
  async stop(): Promise<number | null> {
    this.#expectOrphans();
    return this.#process.end("SIGTERM");
  }

  /** The small process that starts scripts; undefined when there is none just now. */
  launcher(): ProcessFacts | undefined {
    return descendantsOf(this.#process.pid).find(({ command }) => command.includes("launcher-process"));
  }

  signal(name: "SIGSTOP" | "SIGCONT"): void {
    this.#process.signal(name);
  }

  /** Resolves when nothing is left of any platform that was. */
  async nothingIsLeft(): Promise<void> {
    await eventually(
      () => {
        const left = stillRunning(this.#orphans);
        if (left.length > 0) throw new Error(`still running: ${left.map(({ command }) => command).join("; ")}`);
        return true;
      },
      { withinMs: 20_000 },
    );
    this.#orphans.length = 0;
  }

  #expectOrphans(): void {
    const orphans = descendantsOf(this.#process.pid);
    this.#orphans.push(...orphans);
    this.orphanCount += orphans.length;
  }
}
