import { type ChildProcess, spawn } from "node:child_process";
import type { Duplex, Readable } from "node:stream";
import type { Clock, Timer } from "../../foundation/clock.ts";
import { setSilenceTimer } from "../../foundation/silence-timer.ts";
import type { LimitName } from "../../services/run-limits.ts";
import type { LaunchEnd } from "./launcher.ts";
import { type FromLauncher, forever, type StartOrder } from "./launcher-message.ts";
import { limitedCommand } from "./limited-command.ts";
import { killQuietly, killStrays, lastProcessId, type StrayMark } from "./strays.ts";
import { isMore } from "./tree-memory.ts";
import { sessionSize, treeUsage } from "./tree-usage.ts";

/** Output that may be on its way to the executor, per run; past it the script's pipes are left full. */
const windowBytes = 256 * 1024;
/** A pipe that somebody out of reach holds open is given up after so long without a byte. */
const heldPipeMs = 1_000;
/** Questions for the order of output that are open at once: who asks waits for the answer, so more are nobody's. */
const maxOrders = 4096;
const strayPassMs = 5;
const strayPasses = 200;
/** Process ids may come round during a longer run; then all are looked at. */
const wrapMs = 10_000;
/**
 * How often what a run uses is looked at, and when for the first time: from there on each look is twice as late as the one before. A shorter run is
 * held by the kernel's limits alone.
 */
const watchMs = 100;
const firstWatchMs = 20;
/** A look at one run takes one part in so many of the time that all have. */
const lookShare = 10;

/** One script, on the launcher's side: its process group from the first fork to the last byte. */
export class ScriptProcess {
  readonly #run: number;
  readonly #request: StartOrder;
  readonly #clock: Clock;
  readonly #send: (message: FromLauncher) => void;
  readonly #mark: StrayMark;
  readonly #startedAt: number;
  #child: ChildProcess | undefined;
  #unhandledBytes = 0;
  #outputBytes = 0;
  #readBytes = 0;
  #truncated = false;
  #paused = false;
  #expired = false;
  #overrun: LimitName | undefined;
  #watch: Timer | undefined;
  #orderRequests = 0;
  #drains = 0;
  #ttl: Timer | undefined;
  #grace: Timer | undefined;
  #heldPipe: Timer | undefined;
  #exit: { code: number | null; signal: string | null } | undefined;
  #swept = false;
  #over = false;

  constructor(run: number, request: StartOrder, launchMark: string, clock: Clock, send: (m: FromLauncher) => void) {
    this.#run = run;
    this.#request = request;
    this.#clock = clock;
    this.#send = send;
    this.#startedAt = clock.monotonic();
    this.#mark = request.user
      ? { kind: "users", firstUid: request.user.uid, lastUid: request.user.uid }
      : { kind: "environment", entry: `FX_LAUNCH=${launchMark}` };
    this.#start(launchMark);
  }

  /** It has ended, and said so. */
  get over(): boolean {
    return this.#over;
  }

  keepAlive(ttlMs: number): void {
    this.#ttl?.cancel();
    if (this.#exit || this.#over) return;
    if (ttlMs === forever) {
      this.#watch?.cancel();
      this.#watch = undefined;
      return;
    }
    if (this.#watch === undefined) this.#watchUsage();
    this.#ttl = this.#clock.setTimer(ttlMs, () => {
      this.#expired = true;
      this.kill();
    });
  }

  stop(graceMs: number): void {
    if (this.#exit || this.#over) return;
    if (graceMs > 0) this.#signalGroup("SIGTERM");
    this.#grace?.cancel();
    this.#grace = this.#clock.setTimer(graceMs, () => this.kill());
  }

  /** SIGKILL to the group, at once. */
  kill(): void {
    this.#signalGroup("SIGKILL");
  }

  /** For the launcher's own end: kills all that can be found, without waiting. */
  abandon(): void {
    this.kill();
    if (this.#child && !this.#over) killStrays(this.#mark);
  }

  taken(bytes: number): void {
    this.#unhandledBytes -= bytes;
    if (!this.#paused || this.#unhandledBytes > windowBytes / 2) return;
    this.#paused = false;
    for (const stream of this.#outputs()) stream.resume();
    this.#answerOrder();
  }

  /** The next of what it reads on its stdin; empty: there is no more. */
  input(bytes: Buffer): void {
    if (bytes.length > 0) this.#child?.stdin?.write(bytes);
    else this.#child?.stdin?.end();
  }

  drain(): void {
    this.#drains += 1;
    this.#answerOrder();
  }

  #start(launchMark: string): void {
    const { cwd, env, user, ttlMs, limits, setAsideBytes, hasInput, isTool } = this.#request;
    const asked = [this.#request.command, this.#request.args] as const;
    const { command, args } = limitedCommand(limits, user !== undefined, setAsideBytes, ...asked);
    try {
      // The fourth descriptor is the order line; see `#answerOrder`.
      const child = spawn(command, args, {
        cwd,
        env: { ...env, FX_LAUNCH: launchMark },
        detached: true,
        stdio: [hasInput ? "pipe" : "ignore", "pipe", "pipe", ...(isTool ? [] : ["pipe" as const])],
        ...(user ? { uid: user.uid, gid: user.gid } : {}),
      });
      this.#child = child;
      child.on("error", (error) => this.#unstartable(error));
      child.on("exit", (code, signal) => this.#exited(code, signal));
      child.on("close", () => this.#finishWhenQuiet());
      child.stdout?.on("data", (bytes: Buffer) => this.#output("stdout", bytes));
      child.stderr?.on("data", (bytes: Buffer) => this.#output("stderr", bytes));
      // What does not read it to its end is none the worse for it.
      child.stdin?.on("error", () => {});
      this.#order?.on("error", () => {});
      this.#order?.on("data", (bytes: Buffer) => {
        this.#orderRequests = Math.min(this.#orderRequests + bytes.length, maxOrders);
        this.#answerOrder();
      });
      if (child.pid === undefined) return;
      this.#send({ kind: "started", run: this.#run, pid: child.pid });
      if (ttlMs !== undefined) this.keepAlive(ttlMs);
    } catch (error) {
      this.#unstartable(error as Error);
    }
  }

  #watchUsage(paceMs = firstWatchMs, lookedForMs = 0): void {
    const { memoryBytes = Infinity, processes = Infinity, cpuSeconds = Infinity } = this.#request.limits;
    const pid = this.#child?.pid;
    if (pid === undefined || Math.min(memoryBytes, processes, cpuSeconds) === Infinity) return;
    this.#watch = this.#clock.setTimer(Math.max(paceMs, lookedForMs * lookShare), () => {
      const begunAt = this.#clock.monotonic();
      const used = treeUsage(pid);
      if (memoryBytes < Infinity && isMore(used.memory, memoryBytes)) this.#overran("memoryBytes");
      else if (used.processes > processes) this.#overran("processes");
      else if (used.processorMs > cpuSeconds * 1000) this.#overran("cpuSeconds");
      else this.#watchUsage(Math.min(2 * paceMs, watchMs), this.#clock.monotonic() - begunAt);
    });
  }

  #overran(limit: LimitName): void {
    this.#overrun ??= limit;
    this.kill();
  }

  /**
   * Two pipes lose the order between them. So a script's runtime, before it writes to the other of
   * stdout and stderr, sends a byte here and waits for one back; it comes when all that was written
   * before is read. Two turns of the loop: one that reads, and one before it if the pipes were paused.
   * The executor asks the same by `drain`.
   */
  #answerOrder(): void {
    if (this.#paused || this.#orderRequests + this.#drains === 0) return;
    const answer = Buffer.alloc(this.#orderRequests);
    const drains = this.#drains;
    this.#orderRequests = this.#drains = 0;
    const answerBoth = () => {
      // An answer that nobody takes is not added to.
      if (answer.length > 0 && !this.#order?.writableNeedDrain) this.#order?.write(answer);
      for (let drain = 0; drain < drains; drain += 1) this.#send({ kind: "drained", run: this.#run });
    };
    setImmediate(() => setImmediate(answerBoth));
  }

  #output(kind: "stdout" | "stderr", bytes: Buffer): void {
    this.#heldPipe?.cancel();
    this.#readBytes += bytes.length;
    if (this.#readBytes > (this.#request.limits.outputBytes ?? Infinity)) this.#overran("outputBytes");
    const kept = bytes.subarray(0, Math.max(0, this.#request.outputCapBytes - this.#outputBytes));
    this.#truncated ||= kept.length < bytes.length;
    if (kept.length > 0) {
      this.#outputBytes += kept.length;
      this.#unhandledBytes += kept.length;
      this.#send({ kind, run: this.#run, bytes: kept });
    }
    if (this.#unhandledBytes > windowBytes && !this.#paused) {
      this.#paused = true;
      for (const stream of this.#outputs()) stream.pause();
    }
    if (this.#exit) this.#giveUpHeldPipe();
  }

  #exited(code: number | null, signal: string | null): void {
    this.#exit = { code, signal };
    this.#watch?.cancel();
    this.#ttl?.cancel();
    this.#grace?.cancel();
    if (code !== 0) this.#countLeft();
    this.kill();
    this.#sweep(strayPasses);
  }

  /** Whoever failed over a process that it was refused is told by what it has left. */
  #countLeft(): void {
    const { processes = Infinity } = this.#request.limits;
    if (processes < Infinity && sessionSize(this.#child?.pid ?? 0) + 1 > processes) this.#overrun ??= "processes";
  }

  /** Processes that left the group are killed by their mark, until a look finds none. */
  #sweep(passesLeft: number): void {
    const pid = this.#child?.pid ?? 0;
    const short = this.#clock.monotonic() - this.#startedAt < wrapMs && lastProcessId() >= pid;
    if (killStrays(this.#mark, short ? pid : 0) > 0 && passesLeft > 0) {
      this.#clock.setTimer(strayPassMs, () => this.#sweep(passesLeft - 1));
      return;
    }
    this.#swept = true;
    this.#finishWhenQuiet();
    this.#giveUpHeldPipe();
  }

  #giveUpHeldPipe(): void {
    if (this.#over) return;
    this.#heldPipe?.cancel();
    this.#heldPipe = setSilenceTimer(this.#clock, heldPipeMs, () => {
      if (this.#paused) return this.#giveUpHeldPipe();
      for (const stream of this.#child?.stdio ?? []) stream?.destroy();
    });
  }

  #finishWhenQuiet(): void {
    const open = (this.#child?.stdio ?? []).some((stream) => stream && !stream.destroyed);
    if (!this.#exit || !this.#swept || open) return;
    const { code, signal } = this.#exit;
    if (this.#overrun) this.#end({ kind: "overrun", limit: this.#overrun, truncated: this.#truncated });
    else if (this.#expired) this.#end({ kind: "expired", truncated: this.#truncated });
    else if (code !== null) this.#end({ kind: "exited", code, truncated: this.#truncated });
    else this.#end({ kind: "signalled", signal: signal ?? "unknown", truncated: this.#truncated });
  }

  #unstartable(error: Error): void {
    if (this.#child?.pid !== undefined) return;
    const { command, cwd } = this.#request;
    this.#end({ kind: "unstartable", message: `'${command}' cannot be started in '${cwd}': ${error.message}` });
  }

  #end(end: LaunchEnd): void {
    if (this.#over) return;
    this.#over = true;
    for (const timer of [this.#ttl, this.#grace, this.#heldPipe, this.#watch]) timer?.cancel();
    this.#send({ kind: "ended", run: this.#run, end });
  }

  get #order(): Duplex | undefined {
    return (this.#child?.stdio[3] ?? undefined) as Duplex | undefined;
  }

  #outputs(): Readable[] {
    return [this.#child?.stdout, this.#child?.stderr].filter((stream) => stream !== null && stream !== undefined);
  }

  #signalGroup(signal: NodeJS.Signals): void {
    if (this.#child?.pid !== undefined && !this.#over) killQuietly(-this.#child.pid, signal);
  }
}
