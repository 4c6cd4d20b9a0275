import { bucketOf } from "../../executions/duration-histogram.ts";
import type { ExecutionStatus, Trigger } from "../../executions/execution.ts";
import type { Labels, MetricKind } from "../../metrics/figure.ts";
import type { LogLevelName } from "../../search/query-fields.ts";
import { serviceRef } from "../../services/service-ref.ts";
import { dataOfExcerpt, dataText, excerptOf } from "../event-text.ts";
import { levelOf } from "../level-of.ts";
import type { EventHit, ExecutionEnd, LogLine, LogRecord, PastExecution, StoredEvent } from "../ops-data.ts";
import type { Lifecycle } from "../past-row.ts";
import type { AssembledLine, OpenLine } from "./line-assembler.ts";
import { indexedWords } from "./query-dsl.ts";

/** Of the Elastic Common Schema whose names are used. */
const ecs = { "ecs.version": "8.11.0" };
/** Lines that one record may begin; their numbers and those of records make one. */
const linesOfRecord = 2 ** 20;

interface OfRun {
  "@timestamp": number;
  "service.name": string;
  "trace.id"?: string | undefined;
  "fx.project": string;
  "fx.service": string;
  "fx.execution": string;
  "fx.attempt": number;
  "fx.step": number;
  "fx.script": string;
  "fx.stream": LogRecord["stream"];
}

export interface RecordDocument extends OfRun {
  "log.level"?: string | undefined;
  "fx.seq": number;
  /** Bytes of the step's output; a line of logging is none. */
  "fx.size": number;
  bytes: string;
  /** The line that has not ended with this record; its bytes are the last `size` of its stream. */
  open?: { seq: number; index: number; at: number; size: number };
}

export interface LineDocument extends OfRun {
  message: string;
  "log.level": LogLevelName;
  /** Of lines of one time and execution, as they were written. */
  "fx.order": number;
}

export interface EventDocument {
  "@timestamp": number;
  message: string;
  "event.id": string;
  "event.action": string;
  "event.provider": string;
  "fx.key": string;
  "fx.subject"?: string;
  "fx.project"?: string;
  "fx.execution"?: string;
  "trace.id"?: string;
}

export interface ExecutionDocument {
  "@timestamp": number;
  "service.name": string;
  "service.version": string;
  "trace.id": string;
  "fx.project": string;
  "fx.execution": string;
  "fx.attempt": number;
  "fx.trigger": Trigger;
  "fx.status": ExecutionStatus;
  "fx.created_at": number;
  "event.start"?: number;
  "event.end": number;
}

export function recordId({ executionId, attempt, seq }: LogRecord): string {
  return `${executionId}/${attempt}/${seq}`;
}

export function recordDocument(record: LogRecord, open: OpenLine | undefined): RecordDocument {
  const { seq, stream, level, bytes } = record;
  return {
    ...ofRun(record, Math.floor(record.at)),
    "log.level": level,
    "fx.seq": seq,
    "fx.size": stream === "log" ? 0 : bytes.length,
    bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64"),
    ...(open && { open: { seq: open.seq, index: open.index, at: open.at, size: open.bytes.length } }),
  };
}

export function recordOf(document: RecordDocument): LogRecord {
  return {
    executionId: document["fx.execution"],
    project: document["fx.project"],
    service: document["service.name"],
    attempt: document["fx.attempt"],
    step: document["fx.step"],
    script: document["fx.script"],
    seq: document["fx.seq"],
    at: document["@timestamp"],
    stream: document["fx.stream"],
    level: document["log.level"],
    bytes: bytesOf(document),
  };
}

export function bytesOf({ bytes }: Pick<RecordDocument, "bytes">): Uint8Array {
  return Uint8Array.from(Buffer.from(bytes, "base64"));
}

export function lineId({ executionId, attempt }: LogRecord, { seq, index }: AssembledLine): string {
  return `${executionId}/${attempt}/${seq}/${index}`;
}

export function lineDocument(record: LogRecord, { seq, index, at, text }: AssembledLine): object {
  return {
    ...ecs,
    ...ofRun(record, at),
    message: text,
    "log.level": levelOf(record),
    "fx.order": seq * linesOfRecord + index,
    "fx.words": indexedWords(text),
  };
}

export function lineOf(id: string, document: LineDocument): LogLine {
  return {
    id,
    at: document["@timestamp"],
    executionId: document["fx.execution"],
    project: document["fx.project"],
    service: document["service.name"],
    attempt: document["fx.attempt"],
    step: document["fx.step"],
    script: document["fx.script"],
    stream: document["fx.stream"],
    level: document["log.level"],
    text: document.message,
  };
}

export function eventDocument({ key, event, at }: StoredEvent): object {
  const { id, type, source, subject, fxproject, correlationid, fxexecution } = event;
  const text = dataText(event.data ?? event.data_base64);
  return {
    ...ecs,
    "@timestamp": Math.floor(at),
    message: excerptOf(text),
    "event.id": id,
    "event.action": type,
    "event.provider": source,
    "fx.key": key,
    ...(subject !== undefined && { "fx.subject": subject }),
    ...(fxproject !== undefined && { "fx.project": fxproject }),
    ...(fxexecution !== undefined && { "fx.execution": fxexecution }),
    ...(correlationid !== undefined && { "trace.id": correlationid }),
    "fx.words": indexedWords(text),
  };
}

export function eventHitOf(id: string, document: EventDocument): EventHit {
  return {
    id,
    key: document["fx.key"],
    at: document["@timestamp"],
    eventId: document["event.id"],
    source: document["event.provider"],
    type: document["event.action"],
    subject: document["fx.subject"],
    project: document["fx.project"],
    correlationId: document["trace.id"],
    excerpt: document.message,
  };
}

/** With what there is of its data, as text. */
export function storedEventOf(document: EventDocument): StoredEvent {
  const { eventId: id, key, at, source, type, subject, project, correlationId, excerpt } = eventHitOf("", document);
  const execution = document["fx.execution"];
  const data = dataOfExcerpt(type, excerpt);
  const event = {
    specversion: "1.0" as const,
    id,
    source,
    type,
    ...(subject !== undefined && { subject }),
    ...(project !== undefined && { fxproject: project }),
    ...(correlationId !== undefined && { correlationid: correlationId }),
    ...(execution !== undefined && { fxexecution: execution }),
    ...(data !== undefined && { data }),
  };
  return { key, event, at };
}

const outcomes: Partial<Record<ExecutionStatus, string>> = { completed: "success", failed: "failure" };

/** An execution by the event of its end, which tells all of it. */
export function executionDocument({ data, time: finishedAt, correlationId }: Lifecycle): object {
  const { executionId, project, service, version, status, attempt, trigger, startedAt } = data;
  const createdAt = data.createdAt ?? finishedAt;
  // A clock may have stepped back between two times.
  const between = (from: number, to: number) => Math.max(0, to - from);
  const durationMs = between(startedAt ?? finishedAt, finishedAt);
  const queueMs = between(createdAt, startedAt ?? createdAt);
  const times = startedAt !== undefined && {
    "event.start": startedAt,
    // In nanoseconds, says the schema.
    "event.duration": durationMs * 1_000_000,
    "fx.duration_ms": durationMs,
    "fx.duration_bucket": bucketOf(durationMs),
    "fx.queue_ms": queueMs,
    "fx.queue_bucket": bucketOf(queueMs),
  };
  return {
    ...ecs,
    "@timestamp": finishedAt,
    "service.name": service,
    "service.version": version,
    "trace.id": correlationId,
    "fx.project": project,
    "fx.execution": executionId,
    "fx.attempt": attempt,
    "fx.trigger": trigger,
    "fx.status": status,
    "fx.created_at": createdAt,
    "event.end": finishedAt,
    "event.outcome": outcomes[status] ?? "unknown",
    "fx.service": serviceRef({ project, name: service }),
    ...times,
  };
}

export function pastExecutionOf(document: ExecutionDocument): PastExecution {
  return {
    executionId: document["fx.execution"],
    project: document["fx.project"],
    service: document["service.name"],
    version: document["service.version"],
    trigger: document["fx.trigger"],
    status: document["fx.status"],
    correlationId: document["trace.id"],
    attempt: document["fx.attempt"],
    createdAt: document["fx.created_at"],
    startedAt: document["event.start"] ?? document["event.end"],
    finishedAt: document["event.end"],
  };
}

export function metricDocument(of: {
  at: number;
  name: string;
  kind: MetricKind;
  value: number;
  labels: Labels;
  labelsText: string;
}): object {
  const { process, host, roles, service } = of.labels;
  const [project, name] = service?.split("/") ?? [];
  return {
    ...ecs,
    "@timestamp": of.at,
    "fx.metric": of.name,
    "fx.kind": of.kind,
    "fx.value": of.value,
    "fx.labels": Object.entries(of.labels).map(([label, value]) => `${label}=${value}`),
    "fx.labels_text": of.labelsText,
    ...(host !== undefined && { "host.name": host }),
    ...(process !== undefined && { "process.entity_id": process }),
    ...(roles !== undefined && { "fx.roles": roles.split(",") }),
    ...(service !== undefined && { "fx.service": service, "fx.project": project, "service.name": name }),
  };
}

export function endOf(document: ExecutionDocument): ExecutionEnd {
  return { ...pastExecutionOf(document), startedAt: document["event.start"] };
}

function ofRun(record: LogRecord, at: number): OfRun {
  const { executionId, project, service, correlationId, attempt, step, script, stream } = record;
  return {
    "@timestamp": at,
    "service.name": service,
    "trace.id": correlationId,
    "fx.project": project,
    "fx.service": serviceRef({ project, name: service }),
    "fx.execution": executionId,
    "fx.attempt": attempt,
    "fx.step": step,
    "fx.script": script,
    "fx.stream": stream,
  };
}
