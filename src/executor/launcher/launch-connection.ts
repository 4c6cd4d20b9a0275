import type { Duplex } from "node:stream";
import { FrameReader } from "../frame.ts";
import type { Preloaded } from "../zygote/preload.ts";
import type { LaunchEnd, Launched, LaunchListener } from "./launcher.ts";
import {
  decodeLauncherMessage,
  encodeLauncherMessage,
  type FromLauncher,
  maxLauncherFrameBytes,
  type ToLauncher,
} from "./launcher-message.ts";
import { killQuietly, killStrays } from "./strays.ts";

type Start = Extract<ToLauncher, { request: unknown }>;

interface Run {
  listener: LaunchListener;
  uid: number | undefined;
  pid: number | undefined;
  /** Handled output that the other side has not been told of. */
  takenBytes: number;
  /** Who waits for `drained`, in the order of their questions. */
  drains: (() => void)[];
}

/** Most runs write less, and cost no message; well below the other side's window (`script-process.ts`, `zygote.py`). */
const takenStepBytes = 64 * 1024;

const inputPartBytes = 256 * 1024;

export const notRunning: Launched = { keepAlive() {}, stop() {}, drain: async () => {} };

/** The last one is empty. */
function* inputParts(input: string): Generator<Buffer> {
  const bytes = Buffer.from(input);
  for (let at = 0; at < bytes.length; at += inputPartBytes) yield bytes.subarray(at, at + inputPartBytes);
  yield Buffer.alloc(0);
}

/** The executor's end of the conversation with one process that starts scripts. */
export class LaunchConnection<Kind extends Start["kind"]> {
  readonly #socket: Duplex;
  readonly #kind: Kind;
  readonly #onReady: (preloaded: Preloaded | undefined) => void;
  readonly #runs = new Map<number, Run>();
  #nextRun = 1;
  #lost: string | undefined;

  constructor(socket: Duplex, kind: Kind, onReady: (preloaded: Preloaded | undefined) => void) {
    this.#socket = socket;
    this.#kind = kind;
    this.#onReady = onReady;
    const frames = new FrameReader(maxLauncherFrameBytes);
    socket.on("data", (chunk: Buffer) => {
      for (const frame of frames.read(chunk)) this.#receive(decodeLauncherMessage(frame) as FromLauncher);
    });
    socket.on("error", () => {});
  }

  /** Runs under way. */
  get size(): number {
    return this.#runs.size;
  }

  /** `input`: what a program reads on its stdin, where it was said to have some. */
  start(request: Extract<Start, { kind: Kind }>["request"], listener: LaunchListener, input?: string): Launched {
    if (this.#lost !== undefined) {
      const message = this.#lost;
      queueMicrotask(() => listener.ended({ kind: "lost", message }));
      return notRunning;
    }
    const run = this.#nextRun++;
    this.#runs.set(run, { listener, uid: request.user?.uid, pid: undefined, takenBytes: 0, drains: [] });
    this.#send({ kind: this.#kind, run, request } as Start);
    if (input !== undefined) for (const bytes of inputParts(input)) this.#send({ kind: "input", run, bytes });
    return {
      keepAlive: (ttlMs) => this.#send({ kind: "keepAlive", run, ttlMs }),
      stop: (graceMs) => this.#send({ kind: "stop", run, graceMs }),
      drain: () => this.#drain(run),
    };
  }

  #drain(id: number): Promise<void> {
    const run = this.#runs.get(id);
    if (!run) return Promise.resolve();
    this.#send({ kind: "drain", run: id });
    return new Promise((resolve) => run.drains.push(resolve));
  }

  /** The other side is to go, with all that it runs. */
  end(): void {
    this.#socket.end();
  }

  /** The other side is gone: its runs end as `lost`. Answers how many there were. */
  lose(why: string): number {
    this.#lost ??= why;
    const lost = [...this.#runs.values()];
    this.#runs.clear();
    // It kills its groups when it can. Killed itself, it could not; nobody else knows them.
    for (const { pid, uid } of lost) {
      if (pid !== undefined) killQuietly(-pid, "SIGKILL");
      if (uid !== undefined) killStrays({ kind: "users", firstUid: uid, lastUid: uid });
    }
    for (const run of lost) this.#ended(run, { kind: "lost", message: why });
    return lost.length;
  }

  #receive(message: FromLauncher): void {
    if (message.kind === "ready") {
      this.#onReady(message.preloaded);
      return;
    }
    const run = this.#runs.get(message.run);
    if (!run) return;
    if (message.kind === "started") {
      run.pid = message.pid;
      run.listener.started(message.pid);
    } else if (message.kind === "ended") {
      this.#runs.delete(message.run);
      this.#ended(run, message.end);
    } else if (message.kind === "drained") run.drains.shift()?.();
    else if (message.kind === "refused") run.listener.refused?.(message.keptAlive);
    else void this.#output(run, message);
  }

  #ended(run: Run, end: LaunchEnd): void {
    for (const resolve of run.drains) resolve();
    run.listener.ended(end);
  }

  async #output(run: Run, message: Extract<FromLauncher, { bytes: Buffer }>): Promise<void> {
    try {
      await run.listener.output(message.kind, message.bytes);
    } finally {
      run.takenBytes += message.bytes.length;
      if (run.takenBytes >= takenStepBytes) {
        this.#send({ kind: "taken", run: message.run, bytes: run.takenBytes });
        run.takenBytes = 0;
      }
    }
  }

  #send(message: ToLauncher): void {
    if (this.#socket.writable && this.#runs.has(message.run)) this.#socket.write(encodeLauncherMessage(message));
  }
}
