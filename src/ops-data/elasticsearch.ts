import { type Clock, systemClock } from "../foundation/clock.ts";
import { HttpClient } from "../foundation/http-client.ts";
import { readTlsFiles, type TlsFiles } from "../foundation/tls-files.ts";
import { Cluster } from "./elasticsearch/cluster.ts";
import { ElasticsearchContents } from "./elasticsearch/contents.ts";
import { ElasticsearchHistory } from "./elasticsearch/history.ts";
import { type IndexOptions, putTemplates } from "./elasticsearch/index-templates.ts";
import { ElasticsearchMetrics } from "./elasticsearch/metrics.ts";
import { ElasticsearchRunLogs } from "./elasticsearch/run-logs.ts";
import { ElasticsearchSearch } from "./elasticsearch/search.ts";
import type {
  History,
  LogQuery,
  LogRecord,
  MetricStore,
  OpsContents,
  OpsData,
  RunLogs,
  Search,
  StepRef,
} from "./ops-data.ts";

/** A bulk request makes its documents findable, which costs a cluster the same for one of them and for hundreds. */
const gatherMs = 200;

export interface ElasticsearchConnection {
  /** Where a node answers, or what stands before the nodes; http or https. */
  url: string;
  user?: string | undefined;
  password?: string | undefined;
  /** Instead of user and password. */
  apiKey?: string | undefined;
  tls?: TlsFiles | undefined;
}

export interface ElasticsearchOptions {
  connection: ElasticsearchConnection;
  /** `prefix`: in front of the names of indices and templates, since several installations may share a cluster. */
  indices: IndexOptions & { prefix: string };
  /** Of the time limits of searches, and of pauses. */
  clock?: Clock;
}

/**
 * Operational data in Elasticsearch (8, 9) or OpenSearch (2, 3), of which it uses what the core of both has. Any number of
 * processes may store and search at the same time.
 */
export class ElasticsearchOpsData implements OpsData {
  readonly #cluster: Cluster;
  readonly #runLogs: RunLogs;
  readonly search: Search;
  readonly history: History;
  readonly metrics: MetricStore;
  readonly contents: OpsContents;
  readonly gatherMs = gatherMs;

  private constructor(cluster: Cluster, clock: Clock) {
    this.#cluster = cluster;
    this.#runLogs = new ElasticsearchRunLogs(cluster, clock);
    this.search = new ElasticsearchSearch(cluster, clock);
    this.history = new ElasticsearchHistory(cluster, clock);
    this.metrics = new ElasticsearchMetrics(cluster, clock);
    this.contents = new ElasticsearchContents(cluster, clock);
  }

  /** Resolves when the templates of its indices are there; rejects with the reason why they cannot be. */
  static async open(options: ElasticsearchOptions): Promise<ElasticsearchOpsData> {
    const { connection, indices, clock = systemClock } = options;
    const { url, tls } = connection;
    const http = new HttpClient({
      url,
      name: "Elasticsearch",
      headers: authorizationOf(connection),
      tls: tls && readTlsFiles(tls, "Elasticsearch"),
    });
    const cluster = new Cluster(http, `${indices.prefix}-`);
    try {
      await putTemplates(cluster, indices);
    } catch (error) {
      cluster.close();
      throw error;
    }
    return new ElasticsearchOpsData(cluster, clock);
  }

  async append(records: readonly LogRecord[]): Promise<void> {
    if (records.length > 0) await this.#runLogs.append(records);
  }

  logs(query: LogQuery): Promise<LogRecord[]> {
    return this.#runLogs.logs(query);
  }

  output(step: StepRef, from: number, to: number): Promise<{ bytes: Uint8Array; sizeBytes: number }> {
    return this.#runLogs.output(step, from, to);
  }

  highestSeq(executionId: string, attempt: number): Promise<number> {
    return this.#runLogs.highestSeq(executionId, attempt);
  }

  prune(before: number): Promise<number> {
    return this.#runLogs.prune(before);
  }

  async close(): Promise<void> {
    this.#cluster.close();
  }
}

function authorizationOf({ user, password, apiKey }: ElasticsearchConnection): Record<string, string> {
  if (apiKey !== undefined) return { authorization: `ApiKey ${apiKey}` };
  if (user === undefined) return {};
  return { authorization: `Basic ${Buffer.from(`${user}:${password ?? ""}`).toString("base64")}` };
}
