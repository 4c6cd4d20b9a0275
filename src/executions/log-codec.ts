import { z } from "zod";
import { topics } from "../events/topics.ts";
import type { LogRecord } from "./log-record.ts";

/**
 * A log record on `fx.logs` is one line of JSON (everything but the bytes), a newline, and the raw
 * bytes as the script wrote them: output need not be UTF-8, and is never escaped or re-encoded.
 */
const headerSchema = z.object({
  executionId: z.string().min(1),
  project: z.string(),
  service: z.string(),
  correlationId: z.string().optional(),
  attempt: z.int().positive(),
  step: z.int().nonnegative(),
  script: z.string(),
  seq: z.int().positive(),
  at: z.number(),
  stream: z.enum(["stdout", "stderr", "log"]),
  level: z.string().optional(),
});

const newline = 0x0a;
const headers = { "content-type": "application/vnd.streamzero.log" };

/** A record for `Bus.publish`. Its key is the execution: what one run writes stays in order. */
export function encodeLogRecord(record: LogRecord): {
  topic: string;
  key: string;
  value: Uint8Array;
  headers: Readonly<Record<string, string>>;
} {
  const { executionId, project, service, correlationId, attempt, step, script, seq, at, stream, level, bytes } = record;
  const fields = { executionId, project, service, correlationId, attempt, step, script, seq, at, stream, level };
  const value = Buffer.concat([Buffer.from(`${JSON.stringify(fields)}\n`), bytes]);
  return { topic: topics.logs, key: executionId, value, headers };
}

/** Undefined when the bytes are not a log record. The record's bytes share memory with `value`. */
export function decodeLogRecord(value: Uint8Array): LogRecord | undefined {
  const end = value.indexOf(newline);
  if (end < 0) return undefined;
  try {
    const text = Buffer.from(value.buffer, value.byteOffset, end).toString("utf8");
    const { level, ...fields } = headerSchema.parse(JSON.parse(text));
    return { ...fields, level, bytes: value.subarray(end + 1) };
  } catch {
    return undefined;
  }
}
