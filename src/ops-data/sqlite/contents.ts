import type { DatabaseSync, StatementSync } from "node:sqlite";
import { dataOfExcerpt } from "../event-text.ts";
import type { ContentsPage, ExecutionEnd, StoredEvent, Writer } from "../ops-data.ts";
import { timeOf } from "./time-ids.ts";
import { floorOf } from "./word-index.ts";

interface EventRow {
  id: number;
  key: string;
  event_id: string;
  source: string;
  type: string;
  subject: string | null;
  project: string | null;
  correlation_id: string | null;
  excerpt: string;
}

/** Reads everything in the worker's own file, page by page. */
export class StoredContents {
  readonly #database: DatabaseSync;
  readonly #writers: StatementSync;
  readonly #events: StatementSync;
  readonly #ends: StatementSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#writers = database.prepare(
      `select runs.execution_id as executionId, past.correlation_id as correlationId
       from runs left join past_executions past on past.execution_id = runs.execution_id
       where runs.execution_id > ? order by runs.execution_id limit ?`,
    );
    this.#events = database.prepare("select * from events where key > ? and id >= ? order by key limit ?");
    this.#ends = database.prepare(
      `select execution_id as executionId, project, service, version, trigger, status, correlation_id as correlationId,
         attempt, created_at as createdAt, started_at as startedAt, finished_at as finishedAt
       from past_executions where execution_id > ? and finished_at is not null order by execution_id limit ?`,
    );
  }

  writers({ after = "", limit }: ContentsPage): Writer[] {
    const rows = this.#writers.all(after, limit) as unknown as { executionId: string; correlationId: string | null }[];
    return rows.map(({ executionId, correlationId }) => ({ executionId, correlationId: correlationId || undefined }));
  }

  events({ after = "", limit }: ContentsPage): StoredEvent[] {
    // What is past its age may not be deleted yet.
    const floor = floorOf(this.#database, "events");
    return (this.#events.all(after, floor, limit) as unknown as EventRow[]).map(storedEventOf);
  }

  ends({ after = "", limit }: ContentsPage): ExecutionEnd[] {
    const rows = this.#ends.all(after, limit) as unknown as (Omit<ExecutionEnd, "startedAt"> & {
      startedAt: number | null;
    })[];
    return rows.map(({ startedAt, ...row }) => ({ ...row, startedAt: startedAt ?? undefined }));
  }
}

function storedEventOf({ id, key, event_id, source, type, excerpt, ...row }: EventRow): StoredEvent {
  const { subject, project, correlation_id: correlationid } = row;
  // Of what is not stored beside its words, this one can be told: an execution's own events have it as their subject.
  const ofExecution = type.startsWith("fx.execution.") && subject !== null;
  const data = dataOfExcerpt(type, excerpt);
  const event = {
    specversion: "1.0" as const,
    id: event_id,
    source,
    type,
    ...(subject !== null && { subject }),
    ...(project !== null && { fxproject: project }),
    ...(correlationid !== null && { correlationid }),
    ...(ofExecution && { fxexecution: subject }),
    ...(data !== undefined && { data }),
  };
  return { key, event, at: timeOf(id) };
}
