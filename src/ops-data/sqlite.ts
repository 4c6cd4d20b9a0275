import { Worker } from "node:worker_threads";
import { messageOf, PlatformError } from "../foundation/errors.ts";
import type { Log } from "../foundation/log.ts";
import type { LogQuery, LogRecord, OpsData, StepRef } from "./ops-data.ts";
import { packRecords, unpackRecords } from "./packed-records.ts";
import type { CallName, WorkerCalls, WorkerReply, WorkerSettings } from "./worker-protocol.ts";

export interface SqliteOpsDataOptions {
  /** The file, or ":memory:", which a worker that dies takes with it. */
  path: string;
  log: Log;
}

interface Pending {
  // biome-ignore lint/suspicious/noExplicitAny: the reply's type follows from the call's name, which `#call` knows.
  resolve(result: any): void;
  reject(error: unknown): void;
}

/**
 * Operational data in one file, held by a worker thread (rule D20). When the worker dies, calls under way
 * reject as `unavailable` and the next call starts another.
 */
export class SqliteOpsData implements OpsData {
  readonly #options: SqliteOpsDataOptions;
  #worker: { thread: Worker; pending: Map<number, Pending> } | undefined;
  #lastId = 0;
  #closed = false;

  private constructor(options: SqliteOpsDataOptions) {
    this.#options = options;
  }

  /** Resolves when the file can be used; rejects with the reason why it cannot. */
  static async open(options: SqliteOpsDataOptions): Promise<SqliteOpsData> {
    const opsData = new SqliteOpsData(options);
    try {
      await opsData.highestSeq("", 0);
    } catch (error) {
      await opsData.close();
      throw error;
    }
    return opsData;
  }

  async append(records: readonly LogRecord[]): Promise<void> {
    if (records.length === 0) return;
    const packed = packRecords(records);
    await this.#call("append", packed, [packed.bytes.buffer]);
  }

  async logs(query: LogQuery): Promise<LogRecord[]> {
    return unpackRecords(await this.#call("logs", query));
  }

  async output(step: StepRef, from: number, to: number): Promise<{ bytes: Uint8Array; sizeBytes: number }> {
    if (!(Number.isInteger(from) && Number.isInteger(to) && from >= 0)) {
      throw new PlatformError("invalid-input", `range [${from}, ${to}): expected whole numbers of bytes from 0`);
    }
    return this.#call("output", { step, from, to });
  }

  highestSeq(executionId: string, attempt: number): Promise<number> {
    return this.#call("highestSeq", { executionId, attempt });
  }

  async prune(before: number): Promise<number> {
    let pruned = 0;
    for (;;) {
      const { executions, records } = await this.#call("pruneSome", { before });
      pruned += records;
      if (executions === 0) return pruned;
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const worker = this.#worker;
    if (worker === undefined) return;
    const ended = new Promise((resolve) => worker.thread.once("exit", resolve));
    // Whatever was asked for before is answered first. A worker that died has nothing left to close.
    await this.#send(worker, "close", null).catch(() => undefined);
    await ended;
  }

  async #call<Name extends CallName>(
    name: Name,
    argument: WorkerCalls[Name]["argument"],
    transfer: ArrayBuffer[] = [],
  ): Promise<WorkerCalls[Name]["result"]> {
    if (this.#closed) throw new PlatformError("unavailable", "the operational data is closed", { retryable: false });
    this.#worker ??= this.#start();
    return this.#send(this.#worker, name, argument, transfer);
  }

  #send<Name extends CallName>(
    worker: { thread: Worker; pending: Map<number, Pending> },
    name: Name,
    argument: WorkerCalls[Name]["argument"],
    transfer: ArrayBuffer[] = [],
  ): Promise<WorkerCalls[Name]["result"]> {
    return new Promise((resolve, reject) => {
      this.#lastId += 1;
      worker.pending.set(this.#lastId, { resolve, reject });
      worker.thread.postMessage({ id: this.#lastId, name, argument }, transfer);
    });
  }

  #start() {
    const workerData: WorkerSettings = { path: this.#options.path };
    const thread = new Worker(new URL("./sqlite-worker.ts", import.meta.url), { workerData });
    const worker = { thread, pending: new Map<number, Pending>() };
    thread.on("message", (reply: WorkerReply) => {
      const pending = worker.pending.get(reply.id);
      worker.pending.delete(reply.id);
      if (reply.ok) return pending?.resolve(reply.result);
      const { code, message, retryable } = reply.error;
      pending?.reject(new PlatformError(code, message, { retryable }));
    });
    let reason = "it ended";
    thread.on("error", (error) => {
      reason = messageOf(error);
    });
    thread.once("exit", () => {
      if (this.#worker === worker) this.#worker = undefined;
      if (!this.#closed)
        this.#options.log.error({ reason }, "the operational data's worker died, starts again at need");
      const error = new PlatformError("unavailable", `the operational data's worker died: ${reason}`);
      for (const { reject } of worker.pending.values()) reject(error);
    });
    return worker;
  }
}
