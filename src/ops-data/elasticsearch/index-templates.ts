import { PlatformError } from "../../foundation/errors.ts";
import { type Cluster, refusal } from "./cluster.ts";
import { type IndexKind, indexKinds, indexPattern } from "./indices.ts";

export interface IndexOptions {
  /** Copies of each index beside itself. */
  replicas: number;
}

/** Longer values are kept but not found: no term of Lucene has more than 32,766 bytes, and a character up to four. */
const keyword = { type: "keyword", ignore_above: 8191 };
const date = { type: "date", format: "epoch_millis||strict_date_optional_time" };
const integer = { type: "integer" };
const long = { type: "long" };
/** For people and dashboards. */
const message = { type: "text", norms: false };
/** The words of a text as the query language knows them, parted by spaces; what searches read. */
const words = { type: "text", analyzer: "whitespace", norms: false };
const double = { type: "double" };
const stored = { type: "object", enabled: false };

/** Names of the Elastic Common Schema where it has one; below `fx` what it does not know. */
const common = {
  "@timestamp": date,
  "ecs.version": keyword,
  "service.name": keyword,
  "trace.id": keyword,
  "fx.project": keyword,
  "fx.service": keyword,
  "fx.execution": keyword,
  "fx.attempt": integer,
};
const ofRun = { "fx.step": integer, "fx.script": keyword, "fx.stream": keyword, "log.level": keyword };

/** The mapping of each kind of document. */
export const fieldsOf: Record<IndexKind, Readonly<Record<string, object>>> = {
  records: { ...common, ...ofRun, "fx.seq": long, "fx.size": long, bytes: { type: "binary" }, open: stored },
  lines: { ...common, ...ofRun, message, "fx.order": long, "fx.words": words },
  events: {
    ...common,
    message,
    "event.id": keyword,
    "event.action": keyword,
    "event.provider": keyword,
    "fx.subject": keyword,
    "fx.key": keyword,
    "fx.words": words,
  },
  executions: {
    ...common,
    "event.outcome": keyword,
    "event.duration": long,
    "event.start": date,
    "event.end": date,
    "service.version": keyword,
    "fx.trigger": keyword,
    "fx.status": keyword,
    "fx.created_at": date,
    "fx.duration_ms": long,
    "fx.queue_ms": long,
    // Of the histogram that quantiles are read from (src/executions/duration-histogram.ts).
    "fx.duration_bucket": integer,
    "fx.queue_bucket": integer,
  },
  metrics: {
    ...common,
    "host.name": keyword,
    "process.entity_id": keyword,
    "fx.roles": keyword,
    "fx.metric": keyword,
    "fx.kind": keyword,
    "fx.value": double,
    // Each as name=value, to be found by; and all of them as one text, which tells series apart.
    "fx.labels": keyword,
    "fx.labels_text": keyword,
  },
};

/** The body of `PUT _index_template/<name>`, for Elasticsearch and OpenSearch alike. */
export function indexTemplate(prefix: string, kind: IndexKind, { replicas }: IndexOptions): object {
  return {
    index_patterns: [indexPattern(prefix, kind)],
    priority: 500,
    template: {
      settings: { index: { number_of_shards: 1, number_of_replicas: replicas, max_result_window: 10_000 } },
      mappings: { dynamic: false, properties: nested(fieldsOf[kind]) },
    },
    _meta: { product: "streamzero-fx" },
  };
}

export function templateName(prefix: string, kind: IndexKind): string {
  return `${prefix}${kind}`;
}

/** What servers answer that know no templates. */
const strangers = new Set([404, 405, 501]);

/** The same from every process, so that it does not matter who is last. */
export async function putTemplates(cluster: Cluster, options: IndexOptions): Promise<void> {
  for (const kind of indexKinds) {
    const body = JSON.stringify(indexTemplate(cluster.prefix, kind, options));
    const path = `/_index_template/${templateName(cluster.prefix, kind)}`;
    const answer = await cluster.ask({ method: "PUT", path, body });
    if (strangers.has(answer.status)) {
      const text = `what answers at opsData.url is no Elasticsearch or OpenSearch: PUT ${path} was refused with ${answer.status}`;
      throw new PlatformError("invalid-input", text);
    }
    if (answer.status >= 300) throw refusal(answer, `PUT ${path}`);
  }
}

/** `{"fx.step": type}` as `{fx: {properties: {step: type}}}`. */
function nested(fields: Readonly<Record<string, object>>): object {
  const properties: Record<string, { properties: Record<string, object> } | object> = {};
  for (const [name, type] of Object.entries(fields)) {
    const [first, second] = name.split(".") as [string, string | undefined];
    if (second === undefined) properties[first] = type;
    else {
      const inner = (properties[first] ?? { properties: {} }) as { properties: Record<string, object> };
      inner.properties[second] = type;
      properties[first] = inner;
    }
  }
  return properties;
}
