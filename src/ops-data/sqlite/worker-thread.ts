import { Worker } from "node:worker_threads";
import { messageOf, PlatformError } from "../../foundation/errors.ts";
import type { Log } from "../../foundation/log.ts";
import type { CallName, WorkerCalls, WorkerReply, WorkerSettings } from "./worker-protocol.ts";

interface Pending {
  // biome-ignore lint/suspicious/noExplicitAny: the reply's type follows from the call's name, which `call` knows.
  resolve(result: any): void;
  reject(error: unknown): void;
}

interface Running {
  thread: Worker;
  pending: Map<number, Pending>;
}

/**
 * One worker thread with a connection of its own; calls are answered in their order. When it dies,
 * calls under way reject as `unavailable` and the next call starts another.
 */
export class WorkerThread {
  readonly #settings: WorkerSettings;
  readonly #log: Log;
  #running: Running | undefined;
  #lastId = 0;
  #closed = false;

  constructor(settings: WorkerSettings, log: Log) {
    this.#settings = settings;
    this.#log = log;
  }

  async call<Name extends CallName>(
    name: Name,
    argument: WorkerCalls[Name]["argument"],
    transfer: ArrayBuffer[] = [],
  ): Promise<WorkerCalls[Name]["result"]> {
    if (this.#closed) throw new PlatformError("unavailable", "the operational data is closed", { retryable: false });
    this.#running ??= this.#start();
    return this.#send(this.#running, name, argument, transfer);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const running = this.#running;
    if (running === undefined) return;
    const ended = new Promise((resolve) => running.thread.once("exit", resolve));
    // Whatever was asked for before is answered first. A worker that died has nothing left to close.
    await this.#send(running, "close", null).catch(() => undefined);
    await ended;
  }

  #send<Name extends CallName>(
    running: Running,
    name: Name,
    argument: WorkerCalls[Name]["argument"],
    transfer: ArrayBuffer[] = [],
  ): Promise<WorkerCalls[Name]["result"]> {
    return new Promise((resolve, reject) => {
      this.#lastId += 1;
      running.pending.set(this.#lastId, { resolve, reject });
      running.thread.postMessage({ id: this.#lastId, name, argument }, transfer);
    });
  }

  #start(): Running {
    const thread = new Worker(new URL("./ops-data-worker.ts", import.meta.url), { workerData: this.#settings });
    const running: Running = { thread, pending: new Map() };
    thread.on("message", (reply: WorkerReply) => {
      const pending = running.pending.get(reply.id);
      running.pending.delete(reply.id);
      if (reply.ok) return pending?.resolve(reply.result);
      const { code, message, retryable } = reply.error;
      pending?.reject(new PlatformError(code, message, { retryable }));
    });
    let reason = "it ended";
    thread.on("error", (error) => {
      reason = messageOf(error);
    });
    thread.once("exit", () => {
      if (this.#running === running) this.#running = undefined;
      const { role } = this.#settings;
      if (!this.#closed) this.#log.error({ reason, role }, "the operational data's worker died, starts again at need");
      const error = new PlatformError("unavailable", `the operational data's worker died: ${reason}`);
      for (const { reject } of running.pending.values()) reject(error);
    });
    return running;
  }
}
