// The thread that owns the operational data's file, so that its long queries never hold up the platform (rule D20).
import { parentPort, workerData } from "node:worker_threads";
import { invariant } from "../foundation/assert.ts";
import { isPlatformError, messageOf, PlatformError } from "../foundation/errors.ts";
import { openSqliteFile, translateSqliteError } from "../foundation/sqlite-file.ts";
import { packRecords, unpackRecords } from "./packed-records.ts";
import { SqliteRecords } from "./sqlite-records.ts";
import type { CallName, WorkerCalls, WorkerReply, WorkerRequest, WorkerSettings } from "./worker-protocol.ts";

invariant(parentPort, "sqlite-worker.ts runs in a worker thread");
const port = parentPort;
const { path } = workerData as WorkerSettings;

function openRecords() {
  try {
    const database = openSqliteFile(path);
    return { database, records: new SqliteRecords(database) };
  } catch (error) {
    return { failure: error };
  }
}

/** Opened again at the next call when it failed, e.g. because the disk was full. */
let opened = openRecords();

const calls: { [Name in CallName]: (argument: WorkerCalls[Name]["argument"]) => WorkerCalls[Name]["result"] } = {
  append(packed) {
    records().append(unpackRecords(packed));
    return null;
  },
  logs: (query) => packRecords(records().logs(query)),
  output: (range) => records().output(range),
  highestSeq: ({ executionId, attempt }) => records().highestSeq(executionId, attempt),
  pruneSome: ({ before }) => records().pruneSome(before),
  close() {
    opened.database?.close();
    return null;
  },
};

port.on("message", (request: WorkerRequest) => {
  const { id, name, argument } = request;
  let reply: WorkerReply;
  try {
    const result = (calls[name] as (argument: unknown) => WorkerCalls[CallName]["result"])(argument);
    reply = { id, ok: true, result };
  } catch (error) {
    reply = { id, ok: false, error: describe(error) };
  }
  port.postMessage(reply, transferable(reply));
  if (name === "close") port.close();
});

function records(): SqliteRecords {
  if (opened.records === undefined) opened = openRecords();
  if (opened.records === undefined) throw opened.failure;
  return opened.records;
}

function describe(thrown: unknown): Extract<WorkerReply, { ok: false }>["error"] {
  const translated = translateSqliteError(thrown, "the operational data's");
  const error = isPlatformError(translated)
    ? translated
    : new PlatformError("unavailable", `the operational data failed: ${messageOf(translated)}`, { retryable: false });
  const { code, message, retryable } = error;
  return { code, message, retryable };
}

function transferable(reply: WorkerReply): ArrayBuffer[] {
  const result = reply.ok ? reply.result : null;
  return typeof result === "object" && result !== null && "bytes" in result ? [result.bytes.buffer] : [];
}
