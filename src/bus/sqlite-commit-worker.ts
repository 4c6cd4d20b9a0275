// The thread that writes the bus's commits, so that the platform's does not wait for the disk.
import { parentPort, workerData } from "node:worker_threads";
import { invariant } from "../foundation/assert.ts";
import { isPlatformError, messageOf } from "../foundation/errors.ts";
import { translateSqliteError } from "../foundation/sqlite-file.ts";
import type {
  CommitOutcome,
  CommitWorkerError,
  CommitWorkerReply,
  CommitWorkerRequest,
  CommitWorkerSettings,
} from "./commit-writer.ts";
import { SqliteCommitWriter } from "./sqlite-commit-writer.ts";
import { openSharedBusFile } from "./sqlite-schema.ts";

invariant(parentPort, "sqlite-commit-worker.ts runs in a worker thread");
const port = parentPort;
const { path } = workerData as CommitWorkerSettings;

function openWriter() {
  try {
    const database = openSharedBusFile(path);
    return { database, writer: new SqliteCommitWriter(database) };
  } catch (error) {
    return { failure: error };
  }
}

/** Opened again at the next commit when it failed, e.g. because the disk was full. */
let opened = openWriter();

port.on("message", (request: CommitWorkerRequest) => {
  if (request.kind === "close") {
    opened.database?.close();
    port.close();
    return;
  }
  if (opened.writer === undefined) opened = openWriter();
  if (opened.writer === undefined) answer({ kind: "failed", error: opened.failure });
  else opened.writer.write(request.rows, answer);
});

function answer(outcome: CommitOutcome): void {
  const reply: CommitWorkerReply =
    outcome.kind === "durable" ? { ok: true } : { ok: false, error: describe(outcome.error) };
  port.postMessage(reply);
}

function describe(thrown: unknown): CommitWorkerError {
  const error = translateSqliteError(thrown, "the bus's");
  if (!isPlatformError(error)) {
    return { code: "unavailable", message: `the bus failed to write: ${messageOf(error)}`, retryable: false };
  }
  const { code, message, retryable } = error;
  return { code, message, retryable };
}
