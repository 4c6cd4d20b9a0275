// A thread that holds a connection to the operational data's file, so that neither long transactions nor long queries
// hold up the platform (rule D20). One thread writes; another only searches, and the WAL keeps them apart.
import { DatabaseSync } from "node:sqlite";
import { parentPort, workerData } from "node:worker_threads";
import { invariant } from "../../foundation/assert.ts";
import { isPlatformError, messageOf, PlatformError } from "../../foundation/errors.ts";
import { migrateSqliteFile, openSqliteFile, translateSqliteError } from "../../foundation/sqlite-file.ts";
import { StoredContents } from "./contents.ts";
import { executionStats, slowestExecutions } from "./execution-stats.ts";
import { HistoryWriter } from "./history-writer.ts";
import { metricNames, metricSeries } from "./metric-series.ts";
import { MetricWriter } from "./metric-writer.ts";
import { packRecords, unpackRecords } from "./packed-records.ts";
import { RunRecords } from "./run-records.ts";
import { opsSchema } from "./schema.ts";
import { Slices } from "./slices.ts";
import type { CallName, WorkerCalls, WorkerReply, WorkerRequest, WorkerSettings } from "./worker-protocol.ts";

invariant(parentPort, "ops-data-worker.ts runs in a worker thread");
const port = parentPort;
const { path, role, partSize } = workerData as WorkerSettings;

/** What a thread of either role can do; a reader has no writing part. */
function open() {
  if (role === "reader") {
    const database = new DatabaseSync(path, { readOnly: true, timeout: 5000 });
    return { database, slices: new Slices(database), contents: new StoredContents(database), writing: undefined };
  }
  const database = openSqliteFile(path);
  migrateSqliteFile(database, opsSchema, "the operational data's");
  const writing = {
    records: new RunRecords(database, partSize),
    history: new HistoryWriter(database, partSize),
    metrics: new MetricWriter(database),
  };
  return { database, slices: new Slices(database), contents: new StoredContents(database), writing };
}

function tryToOpen() {
  try {
    return { store: open() };
  } catch (error) {
    return { failure: error };
  }
}

/** Opened again at the next call when it failed, e.g. because the disk was full. */
let opened = tryToOpen();

const calls: { [Name in CallName]: (argument: WorkerCalls[Name]["argument"]) => WorkerCalls[Name]["result"] } = {
  append(packed) {
    writing().records.append(unpackRecords(packed));
    return null;
  },
  logs: (query) => packRecords(writing().records.logs(query)),
  output: (range) => writing().records.output(range),
  highestSeq: ({ executionId, attempt }) => writing().records.highestSeq(executionId, attempt),
  record(events) {
    writing().history.record(events);
    return null;
  },
  hide({ kind, before }) {
    if (kind === "lines") writing().records.hideLines(before);
    else writing().history.hide(before);
    return null;
  },
  pruneSome: ({ before }) => writing().records.pruneSome(before),
  pruneLines: () => writing().records.pruneLines(),
  pruneHistory: ({ before }) => writing().history.pruneSome(before),
  lineSlice: (request) => store().slices.lines(request),
  countSlice: (request) => store().slices.countLines(request),
  eventSlice: (request) => store().slices.events(request),
  stats: (query) => executionStats(store().database, query),
  slowest: (query) => slowestExecutions(store().database, query),
  recordMetrics(samples) {
    writing().metrics.record(samples);
    return null;
  },
  metricNames: (span) => metricNames(store().database, span),
  metricSeries: (query) => metricSeries(store().database, query),
  pruneMetrics: ({ before }) => writing().metrics.pruneSome(before),
  writers: (page) => store().contents.writers(page),
  events: (page) => store().contents.events(page),
  ends: (page) => store().contents.ends(page),
  takeEnds(ends) {
    writing().history.takeEnds(ends);
    return null;
  },
  close() {
    opened.store?.database.close();
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

function store(): ReturnType<typeof open> {
  if (opened.store === undefined) opened = tryToOpen();
  if (opened.store === undefined) throw opened.failure;
  return opened.store;
}

function writing(): NonNullable<ReturnType<typeof open>["writing"]> {
  const { writing: own } = store();
  invariant(own, "a thread that searches was asked to write");
  return own;
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
