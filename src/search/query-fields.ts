import { parseServiceRef, serviceRef } from "../services/service-ref.ts";

/** What the values of a field are. */
export type FieldType =
  | { kind: "keyword"; read?: (text: string, prefix: boolean) => string }
  | { kind: "choice"; choices: readonly string[] }
  | { kind: "number"; most: number }
  /** Ordered from the least; `aliases` are other spellings. */
  | { kind: "level"; levels: readonly string[]; aliases: Readonly<Record<string, string>> }
  /** Narrows a whole search; milliseconds since the epoch. */
  | { kind: "time" };

export type QueryFields = Readonly<Record<string, FieldType>>;

/** From the least. `none` is raw output: what a script prints has no level. */
export const logLevels = ["none", "debug", "info", "warning", "error", "critical"] as const;
export type LogLevelName = (typeof logLevels)[number];

const keyword: FieldType = { kind: "keyword" };
/** A bare name belongs to the project `default`, as everywhere. */
const service: FieldType = {
  kind: "keyword",
  read: (text, prefix) => {
    if (prefix) return text.includes("/") ? text : `default/${text}`;
    const ref = parseServiceRef(text);
    return ref === undefined ? text : serviceRef(ref);
  },
};
const time: FieldType = { kind: "time" };

/** Fields of a line of output or logging. */
export const logFields: QueryFields = {
  level: { kind: "level", levels: logLevels, aliases: { warn: "warning", fatal: "critical" } },
  service,
  project: keyword,
  execution: keyword,
  flow: keyword,
  script: keyword,
  stream: { kind: "choice", choices: ["stdout", "stderr", "log"] },
  attempt: { kind: "number", most: 1000 },
  step: { kind: "number", most: 1000 },
  at: time,
};

/** Fields of an event. */
export const eventFields: QueryFields = {
  type: keyword,
  source: keyword,
  subject: keyword,
  id: keyword,
  key: keyword,
  project: keyword,
  flow: keyword,
  execution: keyword,
  at: time,
};
