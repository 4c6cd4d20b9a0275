import type { LogRecord } from "../../src/executions/log-record.ts";

const linesPerRecord = 10;
const recordsPerBatch = 400;
const levels = ["info", "info", "info", "warning", "error"];

/** Output and logging of many runs of 20 services in the last days, ten lines a record; one record in ten is logging. */
export function* lineBatches(lines: number): Generator<{ records: LogRecord[]; count: number }> {
  let line = 0;
  let seq = 0;
  const begin = Date.now() - (lines / linesPerRecord) * 10 - 60_000;
  while (line < lines) {
    const records: LogRecord[] = [];
    const first = line;
    while (records.length < recordsPerBatch && line < lines) {
      seq += 1;
      const isLog = seq % 10 === 0;
      const texts = Array.from({ length: isLog ? 1 : Math.min(linesPerRecord, lines - line) }, (_, n) =>
        textOf(line + n),
      );
      line += texts.length;
      const run = Math.floor(seq / 8);
      records.push({
        executionId: `019c0000-0000-7000-8000-${run.toString(16).padStart(12, "0")}`,
        project: "bench",
        service: `service-${run % 20}`,
        correlationId: `flow-${run >> 2}`,
        attempt: 1,
        step: 1,
        script: "main.py",
        seq: (seq % 8) + 1,
        at: begin + seq * 10,
        stream: isLog ? "log" : "stdout",
        level: isLog ? levels[Math.floor(seq / 10) % levels.length] : undefined,
        bytes: Buffer.from(isLog ? texts.join("") : `${texts.join("\n")}\n`),
      });
    }
    yield { records, count: line - first };
  }
}

function textOf(n: number): string {
  const end = n % 31 === 0 ? "connection refused by peer" : n % 47 === 0 ? "refused after a timeout" : "done";
  return `request${n} of user${n % 9973} in session${(n * 7919) % 49_999} status ${n % 13 === 0 ? 500 : 200} took ${n % 977} ms ${end}`;
}
