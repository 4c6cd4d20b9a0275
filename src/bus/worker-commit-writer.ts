import { Worker } from "node:worker_threads";
import { messageOf, PlatformError } from "../foundation/errors.ts";
import type { Log } from "../foundation/log.ts";
import type {
  CommitOutcome,
  CommitRows,
  CommitWorkerReply,
  CommitWorkerRequest,
  CommitWorkerSettings,
  CommitWriter,
} from "./commit-writer.ts";

interface RunningWorker {
  thread: Worker;
  /** Resolves when the thread has ended and its connection is closed. */
  ended: Promise<void>;
}

/**
 * Writes commits in a worker thread with a connection of its own, so that this thread does not wait
 * for the disk. When the worker dies the commit under way is answered `unknown` and the next one
 * starts another worker. The process may end while nothing is under way.
 */
export class WorkerCommitWriter implements CommitWriter {
  readonly #path: string;
  readonly #log: Log;
  #worker: RunningWorker | undefined;
  #done: ((outcome: CommitOutcome) => void) | undefined;
  #closed = false;

  /** `path` is a file whose tables exist. The worker starts now, without being waited for. */
  constructor(path: string, log: Log) {
    this.#path = path;
    this.#log = log;
    this.#worker = this.#start();
  }

  write(rows: CommitRows, done: (outcome: CommitOutcome) => void): void {
    try {
      this.#worker ??= this.#start();
      this.#worker.thread.ref();
      const buffers = rows.batches.map(({ records }) => records.buffer);
      this.#send(this.#worker, { kind: "write", rows }, buffers);
    } catch (error) {
      done({ kind: "failed", error: new PlatformError("unavailable", `the bus cannot write: ${messageOf(error)}`) });
      return;
    }
    this.#done = done;
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#worker === undefined) return;
    const { ended } = this.#worker;
    this.#worker.thread.ref();
    this.#send(this.#worker, { kind: "close" });
    await ended;
  }

  #send({ thread }: RunningWorker, request: CommitWorkerRequest, transfer: ArrayBuffer[] = []): void {
    thread.postMessage(request, transfer);
  }

  #answer(outcome: CommitOutcome): void {
    const done = this.#done;
    this.#done = undefined;
    done?.(outcome);
  }

  #start(): RunningWorker {
    const workerData: CommitWorkerSettings = { path: this.#path };
    const thread = new Worker(new URL("./sqlite-commit-worker.ts", import.meta.url), { workerData });
    thread.unref();
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    const worker = { thread, ended };
    thread.on("message", (reply: CommitWorkerReply) => {
      thread.unref();
      if (reply.ok) return this.#answer({ kind: "durable" });
      const { code, message, retryable } = reply.error;
      this.#answer({ kind: "failed", error: new PlatformError(code, message, { retryable }) });
    });
    let reason = "it ended";
    thread.on("error", (error) => {
      reason = messageOf(error);
    });
    thread.once("exit", () => {
      if (this.#worker === worker) this.#worker = undefined;
      if (!this.#closed) this.#log.error({ reason }, "the bus's worker died, starts again at need");
      this.#answer({ kind: "unknown", error: new PlatformError("unavailable", `the bus's worker died: ${reason}`) });
      resolve();
    });
    return worker;
  }
}
