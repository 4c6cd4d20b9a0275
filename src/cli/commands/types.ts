import type { Command } from "commander";
import { isReservedType } from "../../events/reserved-types.ts";
import type { Time } from "../connection/wire.ts";
import { type Session, withSession } from "../session.ts";
import type { Column } from "../terminal/column.ts";
import { wholeNumber } from "../terminal/read-options.ts";
import { safe } from "../terminal/safe.ts";
import { clockText, countText } from "../terminal/times.ts";

interface TypeSummary {
  type: string;
  lastSeen: Time;
  count: number;
  version: number;
}

interface TypeDetail extends TypeSummary {
  schema: object;
  /** Absent where no event of the type had data. */
  example?: unknown;
  producers: { source: string; count: number }[];
  consumers: { project: string; service: string; eventType: string }[];
  becomes: { fromType: string; toType: string }[];
  versions: {
    n: number;
    createdAt: Time;
    changes: { path: string; what: string; before: unknown; after: unknown }[];
  }[];
}

const columns: Column<TypeSummary>[] = [
  { title: "type", of: ({ type }) => type },
  { title: "events", of: ({ count }) => String(count) },
  { title: "version", of: ({ version }) => String(version) },
  { title: "last seen", of: ({ lastSeen }) => clockText(lastSeen, Date.now()) },
];

export function defineTypes(program: Command): Command {
  const types = program.command("types").description("the types of events that were seen, and their schemas");
  types
    .command("list", { isDefault: true })
    .description("the types (the default: `fx types`)")
    .option("--prefix <text>", "whose name begins with this, e.g. order.")
    .option("--search <text>", "with this in their name, in upper or lower case")
    .option("--limit <count>", "at most so many", wholeNumber(1, 100_000), 1000)
    .action(withSession(list));
  types
    .command("show")
    .description("one type: an example, who sends it, what it starts and becomes, and how its schema changed")
    .argument("<type>")
    .option("--schema", "print the JSON Schema of its data alone")
    .action(withSession(show));
  types
    .command("forget")
    .description("forget what was learned of a type; its next event begins anew")
    .argument("<type>")
    .action(withSession(forget));
  return types;
}

export function typePath(type: string): string {
  return `/api/v1/event-types/${encodeURIComponent(type)}`;
}

interface ListOptions {
  prefix?: string;
  search?: string;
  limit: number;
}

async function list({ api, terminal }: Session, { prefix, search, limit }: ListOptions) {
  const { items } = await api.list<TypeSummary>("/api/v1/event-types", { prefix, q: search }, limit);
  const isAll = prefix === undefined && search === undefined;
  const empty = isAll ? "no event was seen yet: `fx send <type>`" : "no type has such a name: `fx types` lists all";
  await terminal.list(items, columns, empty);
}

async function show({ api, terminal }: Session, type: string, options: { schema?: boolean }): Promise<void> {
  const found = await api.get<TypeDetail>(typePath(type));
  if (options.schema) return terminal.line(JSON.stringify(found.schema, undefined, 2));
  await terminal.one(found, () => safe(textOf(found)));
  terminal.next(isReservedType(type) ? `fx events --type ${type}` : `fx send ${type} --example`);
}

function textOf({ type, count, version, example, producers, consumers, becomes, versions }: TypeDetail): string {
  return [
    `${type}  ${countText(count, "event")}, schema version ${version}`,
    "",
    "example",
    ...(JSON.stringify(example, undefined, 2) ?? "its events have no JSON data").split("\n").map(indented),
    "sent by",
    ...producers.map(({ source, count: sent }) => indented(`${source}  ${sent}`)),
    "starts",
    ...(consumers.length === 0 ? [indented(`nothing: fx link ${type} <service>`)] : []),
    ...consumers.map(({ project, service, eventType }) => indented(`${project}/${service}  (${eventType})`)),
    ...(becomes.length === 0 ? [] : ["becomes"]),
    ...becomes.map(({ fromType, toType }) => indented(`${toType}  (${fromType})`)),
    ...versions.filter(({ changes }) => changes.length > 0).flatMap(changesText),
  ].join("\n");
}

function changesText({ n, createdAt, changes }: TypeDetail["versions"][number]): string[] {
  return [
    `version ${n}  ${clockText(createdAt, Date.now())}`,
    ...changes.map(({ path, what, before, after }) =>
      indented(`${path}: ${what} was ${JSON.stringify(before)}, is ${JSON.stringify(after)}`),
    ),
  ];
}

function indented(line: string): string {
  return `  ${line}`;
}

async function forget({ api, terminal }: Session, type: string): Promise<void> {
  await api.send("DELETE", typePath(type));
  await terminal.one({ forgotten: type }, () => `forgot ${type}`);
}
