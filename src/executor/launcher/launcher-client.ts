import { type ChildProcess, spawn } from "node:child_process";
import type { Socket } from "node:net";
import { fileURLToPath } from "node:url";
import type { Clock, Timer } from "../../foundation/clock.ts";
import type { Log } from "../../foundation/log.ts";
import { FrameReader } from "../frame.ts";
import type { Launched, Launcher, LaunchListener, LaunchRequest } from "./launcher.ts";
import {
  decodeLauncherMessage,
  encodeLauncherMessage,
  type FromLauncher,
  maxLauncherFrameBytes,
  type ToLauncher,
} from "./launcher-message.ts";
import { killQuietly, killStrays } from "./strays.ts";

const firstDelayMs = 50;
const longestDelayMs = 5_000;
/** A launcher that lived so long is started again without delay. */
const provenMs = 10_000;
const closeMs = 5_000;

interface Run {
  listener: LaunchListener;
  request: LaunchRequest;
  pid: number | undefined;
}

/** Starts the launcher, starts it again when it dies, and speaks with it. */
export class LauncherClient implements Launcher {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #runs = new Map<number, Run>();
  #process: ChildProcess | undefined;
  #control: Socket | undefined;
  #nextRun = 1;
  #delayMs = 0;
  #startedAt = 0;
  #respawn: Timer | undefined;
  #closed = false;
  #isReady = false;
  #waiting: (() => void)[] = [];

  constructor({ clock, log }: { clock: Clock; log: Log }) {
    this.#clock = clock;
    this.#log = log;
    this.#spawn();
  }

  /** Process id of the running launcher. */
  get pid(): number | undefined {
    return this.#process?.pid;
  }

  start(request: LaunchRequest, listener: LaunchListener): Launched {
    const run = this.#nextRun++;
    if (!this.#isReady) {
      queueMicrotask(() => listener.ended({ kind: "lost", message: "the launcher is not running" }));
      return { keepAlive() {}, stop() {} };
    }
    this.#runs.set(run, { listener, request, pid: undefined });
    this.#send({ kind: "start", run, request });
    return {
      keepAlive: (ttlMs) => this.#send({ kind: "keepAlive", run, ttlMs }),
      stop: (graceMs) => this.#send({ kind: "stop", run, graceMs }),
    };
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
      this.#control?.end();
    });
  }

  #spawn(): void {
    this.#startedAt = this.#clock.monotonic();
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
    const control = launcher.stdio[3] as Socket;
    this.#control = control;
    const frames = new FrameReader(maxLauncherFrameBytes);
    control.on("data", (chunk: Buffer) => {
      for (const frame of frames.read(chunk)) this.#receive(decodeLauncherMessage(frame) as FromLauncher);
    });
    control.on("error", () => {});
    launcher.on("error", (error) => this.#died(launcher, error.message));
    launcher.on("close", (code, signal) => this.#died(launcher, signal ?? `exit code ${code}`));
  }

  #died(launcher: ChildProcess, why: string): void {
    if (this.#process !== launcher) return;
    this.#process = undefined;
    this.#isReady = false;
    const lost = [...this.#runs.values()];
    this.#runs.clear();
    // It kills its groups when it can. Killed itself, it could not; nobody else knows them.
    for (const { pid, request } of lost) {
      if (pid !== undefined) killQuietly(-pid, "SIGKILL");
      const uid = request.user?.uid;
      if (uid !== undefined) killStrays({ kind: "users", firstUid: uid, lastUid: uid });
    }
    for (const { listener } of lost) listener.ended({ kind: "lost", message: `the launcher ended (${why})` });
    if (this.#closed) return;
    const lived = this.#clock.monotonic() - this.#startedAt >= provenMs;
    this.#delayMs = lived ? 0 : Math.min(Math.max(firstDelayMs, this.#delayMs * 2), longestDelayMs);
    this.#log.warn({ why, lostRuns: lost.length, delayMs: this.#delayMs }, "the launcher ended; starting it again");
    this.#respawn = this.#clock.setTimer(this.#delayMs, () => this.#spawn());
  }

  #receive(message: FromLauncher): void {
    if (message.kind === "ready") {
      this.#isReady = true;
      for (const resolve of this.#waiting.splice(0)) resolve();
      return;
    }
    const run = this.#runs.get(message.run);
    if (!run) return;
    if (message.kind === "started") {
      run.pid = message.pid;
      run.listener.started(message.pid);
    } else if (message.kind === "ended") {
      this.#runs.delete(message.run);
      run.listener.ended(message.end);
    } else void this.#output(run, message);
  }

  async #output(run: Run, message: Extract<FromLauncher, { bytes: Buffer }>): Promise<void> {
    try {
      await run.listener.output(message.kind, message.bytes);
    } finally {
      this.#send({ kind: "taken", run: message.run, bytes: message.bytes.length });
    }
  }

  #send(message: ToLauncher): void {
    if (this.#control?.writable && this.#runs.has(message.run)) this.#control.write(encodeLauncherMessage(message));
  }
}
