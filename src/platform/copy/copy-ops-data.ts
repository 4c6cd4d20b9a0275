import type { LedgerStore } from "../../catalog/ledger.ts";
import { PlatformError } from "../../foundation/errors.ts";
import type { EventKey } from "../../foundation/ids.ts";
import { dataText, maxExcerptChars } from "../../ops-data/event-text.ts";
import type { ContentsPage, LogRecord, OpsContents, StoredEvent, Writer } from "../../ops-data/ops-data.ts";
import type { Both } from "./open-both.ts";
import type { Progress } from "./progress.ts";

export interface CopiedOpsData {
  /** Of output and logs. */
  records: number;
  events: number;
  /** Executions that have ended. */
  executions: number;
}

const pageSize = 1000;
/** Records go many at once, of however many executions: a server makes them found once for all of them. */
const recordsAtOnce = 2000;
const bytesAtOnce = 8 * 1024 * 1024;

/** Output and logs, events, and the history of executions. What was copied before is taken for what it is, and changes nothing. */
export async function copyOpsData({ source, target }: Both, progress: Progress): Promise<CopiedOpsData> {
  const { contents } = source.opsData;
  let records = 0;
  let batch: LogRecord[] = [];
  let bytes = 0;
  const flush = async () => {
    await target.opsData.append(batch);
    records += batch.length;
    progress.reached("records of output", records);
    batch = [];
    bytes = 0;
  };
  for await (const writer of writers(contents)) {
    for await (const record of recordsOf(source.opsData, writer)) {
      batch.push(record);
      bytes += record.bytes.length;
      if (batch.length >= recordsAtOnce || bytes >= bytesAtOnce) await flush();
    }
  }
  await flush();

  let events = 0;
  for await (const page of pages(
    (request) => contents.events(request),
    ({ key }) => key,
  )) {
    const known: StoredEvent[] = [];
    for (const stored of page) known.push(await whole(stored, source.catalog.ledger));
    await target.opsData.history.record(known);
    events += page.length;
    progress.reached("events in history", events);
  }
  let executions = 0;
  for await (const page of pages(
    (request) => contents.ends(request),
    ({ executionId }) => executionId,
  )) {
    await target.opsData.contents.takeEnds(page);
    executions += page.length;
    progress.reached("executions in history", executions);
  }
  await requireAll(contents, target.opsData.contents);
  return { records, events, executions };
}

async function* recordsOf(
  from: { logs(query: { executionId: string; after?: LogRecord | undefined; limit: number }): Promise<LogRecord[]> },
  { executionId, correlationId }: Writer,
): AsyncGenerator<LogRecord> {
  for (let after: LogRecord | undefined; ; ) {
    const page = await from.logs({ executionId, after, limit: pageSize });
    for (const record of page) yield { ...record, correlationId: record.correlationId ?? correlationId };
    if (page.length < pageSize) return;
    after = page.at(-1);
  }
}

/** Of an event's data history tells the beginning. The ledger has them as they came, unless they are past their age. */
async function whole(stored: StoredEvent, ledger: LedgerStore): Promise<StoredEvent> {
  const { key, event, at } = stored;
  if (typeof event.data !== "string" || event.data.length < maxExcerptChars) return stored;
  const entry = await ledger.get(key as EventKey);
  if (entry === undefined || entry.stripped) return stored;
  // As much as is searched: as it came it may have megabytes.
  return { key, event: { ...event, data: dataText(entry.event.data ?? entry.event.data_base64) }, at };
}

async function requireAll(from: OpsContents, to: OpsContents): Promise<void> {
  for (const [what, list] of [
    [
      "executions that wrote",
      (contents: OpsContents) =>
        placesOf(
          (page) => contents.writers(page),
          ({ executionId }) => executionId,
        ),
    ],
    [
      "events",
      (contents: OpsContents) =>
        placesOf(
          (page) => contents.events(page),
          ({ key }) => key,
        ),
    ],
    [
      "ends of executions",
      (contents: OpsContents) =>
        placesOf(
          (page) => contents.ends(page),
          ({ executionId }) => executionId,
        ),
    ],
  ] as const) {
    const found = list(to);
    let place = await found.next();
    for await (const wanted of list(from)) {
      // What the target has besides came there by itself.
      while (!place.done && place.value < wanted) place = await found.next();
      if (!place.done && place.value === wanted) continue;
      throw new PlatformError(
        "corrupt",
        `of the ${what} in the history, ${wanted} is not found where it was copied to`,
      );
    }
  }
}

async function* placesOf<Item>(
  list: (page: ContentsPage) => Promise<Item[]>,
  placeOf: (item: Item) => string,
): AsyncGenerator<string> {
  for await (const page of pages(list, placeOf)) for (const item of page) yield placeOf(item);
}

async function* writers(contents: OpsContents): AsyncGenerator<Writer> {
  for await (const page of pages(
    (request) => contents.writers(request),
    ({ executionId }) => executionId,
  ))
    yield* page;
}

async function* pages<Item>(
  list: (page: ContentsPage) => Promise<Item[]>,
  placeOf: (item: Item) => string,
): AsyncGenerator<Item[]> {
  for (let after: string | undefined; ; ) {
    const page = await list({ after, limit: pageSize });
    if (page.length > 0) yield page;
    const last = page.at(-1);
    if (page.length < pageSize || last === undefined) return;
    after = placeOf(last);
  }
}
