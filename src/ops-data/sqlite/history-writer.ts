import type { DatabaseSync, StatementSync } from "node:sqlite";
import { inTransaction } from "../../foundation/sqlite-file.ts";
import { dataText, excerptOf } from "../event-text.ts";
import type { ExecutionEnd, StoredEvent } from "../ops-data.ts";
import { lifecycleOfEnd } from "../past-row.ts";
import { fieldToken, indexedText, type TokenField } from "./match-expression.ts";
import { PastExecutions } from "./past-executions.ts";
import { idAt } from "./time-ids.ts";
import { WordIndex } from "./word-index.ts";

const rowsAtOnce = 2000;

/** Events and the history of executions, in the worker's own file. */
export class HistoryWriter {
  readonly #database: DatabaseSync;
  readonly #words: WordIndex;
  readonly #executions: PastExecutions;
  readonly #known: StatementSync;
  readonly #add: StatementSync;
  readonly #deleteOld: StatementSync;

  constructor(database: DatabaseSync, partSize?: number) {
    this.#database = database;
    this.#words = new WordIndex(database, "events", ["events"], partSize);
    this.#executions = new PastExecutions(database);
    this.#known = database.prepare("select 1 from events where key = ?");
    this.#add = database.prepare(
      `insert into events (id, key, event_id, source, type, subject, project, correlation_id, excerpt)
       values (?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (key) do nothing`,
    );
    this.#deleteOld = database.prepare(
      `delete from past_executions where execution_id in
         (select execution_id from past_executions where last_at < ? limit ${rowsAtOnce})`,
    );
  }

  record(events: readonly StoredEvent[]): void {
    inTransaction(this.#database, () => {
      this.#executions.begin();
      const place = this.#words.placer();
      const documents: { id: number; words: string }[] = [];
      for (const stored of [...events].sort((left, right) => left.at - right.at)) {
        const { key, event, at } = stored;
        this.#executions.take(stored);
        if (this.#known.get(key) !== undefined) continue;
        const id = place(idAt(at));
        const data = dataText(event.data ?? event.data_base64);
        const { id: eventId, source, type, subject, fxproject, correlationid } = event;
        this.#add.run(
          id,
          key,
          eventId,
          source,
          type,
          subject ?? null,
          fxproject ?? null,
          correlationid ?? null,
          excerptOf(data),
        );
        documents.push({ id, words: indexedText(data, tokensOf(stored)) });
      }
      this.#words.add(documents);
      this.#executions.end();
    });
  }

  takeEnds(ends: readonly ExecutionEnd[]): void {
    inTransaction(this.#database, () => {
      this.#executions.begin();
      for (const end of ends) this.#executions.takeTold(lifecycleOfEnd(end), end.finishedAt);
      this.#executions.end();
    });
  }

  /** Events from before are not found once this returns. */
  hide(before: number): void {
    this.#words.raiseFloor(idAt(before));
  }

  pruneSome(before: number): number {
    return inTransaction(this.#database, () => {
      this.#executions.prune(before);
      return this.#words.pruneSome() + Number(this.#deleteOld.run(before).changes);
    });
  }
}

function tokensOf({ key, event }: StoredEvent): string {
  const { id, source, type, subject, fxproject, correlationid, fxexecution } = event;
  const values: Partial<Record<TokenField, string | undefined>> = {
    type,
    source,
    id,
    key,
    subject,
    project: fxproject,
    flow: correlationid,
    execution: fxexecution,
  };
  return Object.entries(values)
    .flatMap(([field, value]) => (value === undefined ? [] : [fieldToken(field as TokenField, value)]))
    .join(" ");
}
