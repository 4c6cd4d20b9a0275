import type { Bus } from "../../src/bus/bus.ts";
import { topics } from "../../src/events/topics.ts";
import type { LogRecord } from "../../src/executions/log-record.ts";
import { systemClock } from "../../src/foundation/clock.ts";
import { type HttpAnswer, HttpClient } from "../../src/foundation/http-client.ts";
import { Cluster } from "../../src/ops-data/elasticsearch/cluster.ts";
import { putTemplates } from "../../src/ops-data/elasticsearch/index-templates.ts";
import { ElasticsearchRunLogs } from "../../src/ops-data/elasticsearch/run-logs.ts";

/** Between two commits of its place, as sinks have it. */
const commitMs = 500;
/** As sinks wait for a batch to be fuller. */
const requestMs = 60_000;
const fields = "filter_path=items.*.status,items.*.error.type";

/** Consumes records of output and sends for each the lines of a bulk request that the sink sends for it: nothing is made or remembered. */
export class BareIndexer {
  readonly #http: HttpClient;
  readonly #prefix: string;
  /** Of each execution's record, by execution. */
  readonly #lines = new Map<string, string>();

  private constructor(url: string, prefix: string) {
    this.#http = new HttpClient({ url, name: "OpenSearch" });
    this.#prefix = `${prefix}-`;
  }

  /** Into indices of its own, of the same templates. */
  static async open(url: string, prefix: string): Promise<BareIndexer> {
    const indexer = new BareIndexer(url, prefix);
    await putTemplates(new Cluster(indexer.#http, indexer.#prefix), { replicas: 0 });
    return indexer;
  }

  /** What `consume` sends for these records, of which each execution has one. */
  async prepare(records: readonly LogRecord[]): Promise<void> {
    const keeper = new BodyKeeper();
    const logs = new ElasticsearchRunLogs(new Cluster(keeper, this.#prefix), systemClock);
    for (const record of records) {
      await logs.append([record]);
      this.#lines.set(record.executionId, keeper.body);
    }
  }

  /**
   * Reads the records of so many executions, a bulk request a batch; answers how many records a second were stored, from the end of
   * the first batch on. `refresh`: with each request they become searchable, as with the sink.
   */
  async consume(bus: Bus, group: string, count: number, maxRecords: number, refresh: boolean): Promise<number> {
    const subscription = await bus.subscribe({ group, topics: [topics.logs], from: "earliest", maxRecords });
    let stored = 0;
    let first = { stored: 0, at: 0 };
    let committedAt = 0;
    while (stored < count) {
      const records = (await subscription.next()) ?? [];
      const body = records.map(({ key }) => this.#lines.get(key) ?? "").join("");
      if (body !== "") await this.#send(body, refresh);
      stored += records.filter(({ key }) => this.#lines.has(key)).length;
      if (first.at === 0) first = { stored, at: performance.now() };
      if (performance.now() - committedAt < commitMs && stored < count) continue;
      committedAt = performance.now();
      await subscription.commit(
        records.map(({ topic, partition, offset }) => ({ topic, partition, offset: offset + 1 })),
      );
    }
    const elapsedMs = performance.now() - first.at;
    await subscription.close();
    this.#lines.clear();
    return ((stored - first.stored) / elapsedMs) * 1000;
  }

  close(): void {
    this.#http.close();
  }

  async #send(body: string, refresh: boolean): Promise<void> {
    const headers = { "content-type": "application/x-ndjson" };
    const route = `/_bulk?${refresh ? "refresh=true&" : ""}${fields}`;
    const { status, text } = await this.#http.call("POST", route, { body, headers, timeoutMs: requestMs });
    if (status >= 300 || text.includes('"error"')) throw new Error(`OpenSearch answered ${status}: ${text}`);
  }
}

/** Takes a bulk request for a server that stores everything. */
class BodyKeeper extends HttpClient {
  body = "";

  constructor() {
    super({ url: "http://127.0.0.1", name: "nobody" });
  }

  override async call(_method: string, _route: string, { body = "" }: { body?: Uint8Array | string | undefined }) {
    this.body = String(body);
    const operations = this.body.split("\n").filter((line) => /^\{"(create|index)":\{"_index"/.test(line)).length;
    const items = Array.from({ length: operations }, () => ({ create: { status: 201 } }));
    return { status: 200, text: JSON.stringify({ items }), headers: {} } satisfies HttpAnswer;
  }
}
