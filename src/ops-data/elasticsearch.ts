import type { Clock } from "../foundation/clock.ts";
import { EngineHistory } from "./elasticsearch/engine-history.ts";
import { EngineSearch } from "./elasticsearch/engine-search.ts";
import { type IndexOptions, Indices } from "./elasticsearch/indices.ts";
import { Refresher } from "./elasticsearch/refresher.ts";
import { RunRecords } from "./elasticsearch/run-records.ts";
import { type SearchConnection, SearchServer } from "./elasticsearch/search-server.ts";
import type { History, LogQuery, LogRecord, OpsData, Search, StepRef } from "./ops-data.ts";

export interface ElasticsearchOpsDataOptions {
  connection: SearchConnection;
  indices: IndexOptions;
  clock: Clock;
}

/**
 * Operational data in Elasticsearch 8, 9 or OpenSearch 2, 3. Any number of processes may write: ids come from what is written, and
 * what comes late or twice changes nothing.
 */
export class ElasticsearchOpsData implements OpsData {
  readonly search: Search;
  readonly history: History;
  readonly #server: SearchServer;
  readonly #records: RunRecords;

  private constructor(server: SearchServer, indices: Indices, clock: Clock) {
    const refresher = new Refresher(server, clock);
    this.#server = server;
    this.#records = new RunRecords(server, indices, refresher);
    this.search = new EngineSearch(server, indices, clock);
    this.history = new EngineHistory(server, indices, refresher);
  }

  /** Lays the index templates. Throws `unavailable` when the server does not answer. */
  static async open({
    connection,
    indices: options,
    clock,
  }: ElasticsearchOpsDataOptions): Promise<ElasticsearchOpsData> {
    const server = new SearchServer(connection, clock);
    try {
      const indices = new Indices(options);
      await indices.layTemplates(server);
      return new ElasticsearchOpsData(server, indices, clock);
    } catch (error) {
      server.close();
      throw error;
    }
  }

  append(records: readonly LogRecord[]): Promise<void> {
    return this.#records.append(records);
  }

  logs(query: LogQuery): Promise<LogRecord[]> {
    return this.#records.logs(query);
  }

  output(step: StepRef, from: number, to: number): Promise<{ bytes: Uint8Array; sizeBytes: number }> {
    return this.#records.output(step, from, to);
  }

  highestSeq(executionId: string, attempt: number): Promise<number> {
    return this.#records.highestSeq(executionId, attempt);
  }

  prune(before: number): Promise<number> {
    return this.#records.prune(before);
  }

  async close(): Promise<void> {
    this.#server.close();
  }
}
