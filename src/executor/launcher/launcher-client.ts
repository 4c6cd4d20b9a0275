import { type ChildProcess, spawn } from "node:child_process";
import type { Socket } from "node:net";
import { fileURLToPath } from "node:url";
import type { Clock, Timer } from "../../foundation/clock.ts";
import type { Log } from "../../foundation/log.ts";
import { LaunchConnection, notRunning } from "./launch-connection.ts";
import type { Launched, Launcher, LaunchListener, LaunchRequest } from "./launcher.ts";
import { RestartDelay } from "./restart-delay.ts";

const closeMs = 5_000;

/** Starts the launcher, starts it again when it dies, and speaks with it. */
export class LauncherClient implements Launcher<LaunchRequest> {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #delay: RestartDelay;
  #process: ChildProcess | undefined;
  #connection: LaunchConnection<"start"> | undefined;
  #respawn: Timer | undefined;
  #closed = false;
  #isReady = false;
  #waiting: (() => void)[] = [];

  constructor({ clock, log }: { clock: Clock; log: Log }) {
    this.#clock = clock;
    this.#log = log;
    this.#delay = new RestartDelay(clock);
    this.#spawn();
  }

  /** Process id of the running launcher. */
  get pid(): number | undefined {
    return this.#process?.pid;
  }

  start(request: LaunchRequest, listener: LaunchListener): Launched {
    if (this.#isReady && this.#connection) {
      const { input, ...rest } = request;
      return this.#connection.start({ ...rest, hasInput: input !== undefined }, listener, input);
    }
    queueMicrotask(() => listener.ended({ kind: "lost", message: "the launcher is not running" }));
    return notRunning;
  }

  ready(): Promise<void> {
    return this.#isReady || this.#closed ? Promise.resolve() : new Promise((resolve) => this.#waiting.push(resolve));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#respawn?.cancel();
    for (const resolve of this.#waiting.splice(0)) resolve();
    const launcher = this.#process;
    if (!launcher || launcher.exitCode !== null || launcher.signalCode !== null) return;
    await new Promise<void>((resolve) => {
      const late = this.#clock.setTimer(closeMs, () => launcher.kill("SIGKILL"));
      launcher.once("exit", () => {
        late.cancel();
        resolve();
      });
      this.#connection?.end();
    });
  }

  #spawn(): void {
    this.#delay.started();
    const entry = fileURLToPath(new URL("./launcher-process.ts", import.meta.url));
    const args = ["--disable-warning=ExperimentalWarning", "--max-semi-space-size=2", entry];
    // Its own session: a Ctrl-C in a terminal asks the executor to drain and must not reach the launcher.
    // Nothing of the executor's environment: what the launcher lacks, no script can inherit.
    const launcher = spawn(process.execPath, args, {
      detached: true,
      stdio: ["ignore", "ignore", "inherit", "pipe"],
      env: {},
      cwd: "/",
    });
    this.#process = launcher;
    this.#connection = new LaunchConnection(launcher.stdio[3] as Socket, "start", () => {
      this.#isReady = true;
      for (const resolve of this.#waiting.splice(0)) resolve();
    });
    launcher.on("error", (error) => this.#died(launcher, error.message));
    launcher.on("close", (code, signal) => this.#died(launcher, signal ?? `exit code ${code}`));
  }

  #died(launcher: ChildProcess, why: string): void {
    if (this.#process !== launcher) return;
    this.#process = undefined;
    this.#isReady = false;
    const lostRuns = this.#connection?.lose(`the launcher ended (${why})`);
    if (this.#closed) return;
    const delayMs = this.#delay.next();
    this.#log.warn({ why, lostRuns, delayMs }, "the launcher ended; starting it again");
    this.#respawn = this.#clock.setTimer(delayMs, () => this.#spawn());
  }
}
