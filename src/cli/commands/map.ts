import { type Command, Option } from "commander";
import { usageError } from "../cli-error.ts";
import type { MappingAnswer, MappingPreview } from "../connection/wire.ts";
import { linksOf } from "../links/links-of.ts";
import { readFields } from "../map/read-fields.ts";
import { type Session, withSession } from "../session.ts";
import type { Column } from "../terminal/column.ts";
import { wholeNumber } from "../terminal/read-options.ts";

interface MapOptions {
  field?: string[];
  default?: string[];
  all?: boolean;
  filter?: string;
  name?: string;
  project?: string;
  off?: boolean;
}

const columns: Column<MappingAnswer>[] = [
  { title: "from", of: ({ fromType }) => fromType },
  { title: "to", of: ({ toType }) => toType },
  { title: "project", of: ({ project }) => project ?? "(all)" },
  { title: "fields", of: ({ strategy, fields }) => `${strategy === "all" ? "all, and " : ""}${fields.length}` },
  { title: "filter", of: ({ filter }) => filter ?? "" },
  { title: "state", of: ({ active }, paint) => (active ? "on" : paint("yellow", "off")) },
  { title: "mapping", of: ({ id }) => id },
];

const fieldHelp = "target=path copies, target!=path must be there, target:=json is a constant, target~=CEL computes";
const collect = (text: string, former: string[] = []) => [...former, text];

export function defineMap(program: Command): Command {
  const map = program.command("map").description("make events of one type from events of another, with no redeploy");
  withContent(map.command("add", { isDefault: true }))
    .description("make a mapping (the default: `fx map <from> <to>`)")
    .option("--name <name>", "what people call it")
    .option("--off", "make it switched off")
    .action(withSession(add));
  withContent(map.command("preview"))
    .description("what a mapping would make of the last stored events; nothing is sent")
    .option("--last <count>", "of so many events", wholeNumber(1, 100), 3)
    .action(withSession(preview));
  map
    .command("list")
    .description("what is made of what")
    .option("--project <project>", "of one project")
    .option("--from <type>", "of one event type, written as the mapping writes it")
    .option("--to <type>", "to one event type")
    .option("--limit <count>", "at most so many", wholeNumber(1, 100_000), 1000)
    .action(withSession(list));
  map
    .command("change")
    .description("change a mapping")
    .argument("<mapping>", "the mapping's id")
    .addOption(new Option("--on", "switch it on").conflicts("off"))
    .option("--off", "switch it off")
    .option("--field <field>", `the fields from now on, all of them: ${fieldHelp}`, collect)
    .option("--default <default>", "with --field: target:=json stands in where it has no value", collect)
    .addOption(new Option("--all", "all fields of the event, these over them").conflicts("only"))
    .option("--only", "the mapped fields, and nothing else")
    .addOption(new Option("--filter <expression>", "CEL over `event`").conflicts("clearFilter"))
    .option("--clear-filter", "take the filter away")
    .action(withSession(change));
  map
    .command("remove")
    .description("remove a mapping; what it made stays")
    .argument("<mapping>", "the mapping's id")
    .action(withSession(remove));
  return map;
}

function withContent(command: Command): Command {
  return command
    .argument("<from>", 'an event type, exact ("order.placed"), or with a trailing ".*" ("order.*")')
    .argument("<to>", "the type of the events to make")
    .option("--field <field>", `once for each field: ${fieldHelp}`, collect)
    .option("--default <default>", "target:=json stands in where the field of that target has no value", collect)
    .option("--all", "all fields of the event, and these laid over them")
    .option("--filter <expression>", "CEL over `event`, e.g. 'event.data.total > 100'")
    .option("--project <project>", "only events that this project sees; what is made is its own (all projects)");
}

function contentOf(
  fromType: string,
  toType: string,
  { field, default: defaults, all, filter, project, name, off }: MapOptions,
) {
  return {
    fromType,
    toType,
    strategy: all ? "all" : "mapped",
    fields: readFields(field ?? [], defaults),
    ...(filter === undefined ? {} : { filter }),
    ...(project === undefined ? {} : { project }),
    ...(name === undefined ? {} : { name }),
    active: !off,
  };
}

async function add({ api, terminal }: Session, from: string, to: string, options: MapOptions): Promise<void> {
  const { body, status } = await api.send<MappingAnswer>("POST", "/api/v1/mappings", {
    json: contentOf(from, to, options),
  });
  await terminal.one(body, () => {
    const filter = body.filter ? `, where ${body.filter}` : "";
    const again = status === 200 ? "  (changed: it was there)" : "";
    const off = body.active ? "" : "  (switched off)";
    return `${body.fromType} becomes ${body.toType}${filter}  (mapping ${body.id})${again}${off}`;
  });
  if (body.strategy === "mapped" && body.fields.length === 0) {
    const fix = `fx map change ${body.id} --all, or --field target=path for each field`;
    terminal.say(
      `${terminal.paintTalk("yellow", "warning")} its events carry no data, since no field is mapped: ${fix}`,
    );
  }
  if (terminal.isJson) return;
  const linked = (await linksOf(api, body.toType)).length > 0;
  const example = body.fromType.replace(/\.\*$/, ".something");
  terminal.next(linked ? `fx send ${example} --data '{}' --wait` : `fx link ${body.toType} <service>`);
}

async function preview(
  { api, terminal }: Session,
  from: string,
  to: string,
  options: MapOptions & { last: number },
): Promise<void> {
  const { body } = await api.send<MappingPreview>("POST", "/api/v1/mappings/preview", {
    json: { mapping: contentOf(from, to, options), last: options.last },
  });
  if (body.items.length === 0) terminal.say(`no event of the type ${from} is stored: fx send ${from} --data '{}'`);
  await terminal.one(body, () => body.items.map(previewText).join("\n\n"));
}

function previewText({ before, after, reason, left }: MappingPreview["items"][number]): string {
  const data = (event: { data?: unknown }) => JSON.stringify(event.data ?? null);
  const head = `◆ ${before.type}  ${before.id}\n  before  ${data(before)}`;
  if (!after) return `${head}\n  nothing would be made: ${reason ?? "it does not match"}`;
  const missing = left.length > 0 ? `\n  left out, since the event has none: ${left.join(", ")}` : "";
  return `${head}\n  after   ${data(after)}${missing}`;
}

async function list(
  { api, terminal }: Session,
  { project, from, to, limit }: { project?: string; from?: string; to?: string; limit: number },
): Promise<void> {
  const { items } = await api.list<MappingAnswer>("/api/v1/mappings", { project, fromType: from, toType: to }, limit);
  const filtered = project !== undefined || from !== undefined || to !== undefined;
  const empty = filtered
    ? "no mapping is like that; `fx map list` shows all"
    : "nothing is mapped yet: `fx map <from> <to> --all`";
  await terminal.list(items, columns, empty);
}

async function change(
  { api, terminal }: Session,
  id: string,
  options: MapOptions & { on?: boolean; only?: boolean; clearFilter?: boolean },
): Promise<void> {
  const body = {
    ...(options.on ? { active: true } : {}),
    ...(options.off ? { active: false } : {}),
    ...(options.all ? { strategy: "all" } : {}),
    ...(options.only ? { strategy: "mapped" } : {}),
    ...(options.field !== undefined || options.default !== undefined
      ? { fields: readFields(options.field ?? [], options.default) }
      : {}),
    ...(options.filter === undefined ? {} : { filter: options.filter }),
    ...(options.clearFilter ? { filter: null } : {}),
  };
  if (Object.keys(body).length === 0) throw usageError("nothing to change was named", "fx map change --help");
  const answer = await api.send<MappingAnswer>("PATCH", `/api/v1/mappings/${encodeURIComponent(id)}`, { json: body });
  const { tableText } = await import("../terminal/table.ts");
  await terminal.one(answer.body, () => tableText([answer.body], columns, terminal.paint));
}

async function remove({ api, terminal }: Session, id: string): Promise<void> {
  await api.send("DELETE", `/api/v1/mappings/${encodeURIComponent(id)}`);
  await terminal.one({ removed: id }, () => `removed mapping ${id}`);
  terminal.next("fx map list");
}
