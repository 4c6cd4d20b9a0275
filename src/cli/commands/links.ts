import { type Command, Option } from "commander";
import { usageError } from "../cli-error.ts";
import type { LinkAnswer } from "../connection/wire.ts";
import { serviceRefOf } from "../service-ref.ts";
import { type Session, withSession } from "../session.ts";
import type { Column } from "../terminal/column.ts";
import { wholeNumber } from "../terminal/read-options.ts";

interface ListOptions {
  project?: string;
  service?: string;
  type?: string;
  limit: number;
}

interface ChangeOptions {
  on?: boolean;
  off?: boolean;
  version?: string;
  filter?: string;
}

const columns: Column<LinkAnswer>[] = [
  { title: "event type", of: ({ eventType }) => eventType },
  { title: "service", of: ({ project, service }) => `${project}/${service}` },
  { title: "version", of: ({ version }) => version.slice(0, 12) },
  { title: "filter", of: ({ filter }) => filter ?? "" },
  { title: "state", of: ({ active }, paint) => (active ? "on" : paint("yellow", "off")) },
  { title: "made by", of: ({ origin }) => origin },
  { title: "link", of: ({ id }) => id },
];

export function defineLinks(program: Command): Command {
  const links = program.command("links").description("what starts what, and changes to it");
  links
    .command("list", { isDefault: true })
    .description("what starts what (the default: `fx links`)")
    .option("--project <project>", "of one project")
    .option("--service <service>", "of one service, project/name")
    .option("--type <type>", "of one event type, written as the link writes it")
    .option("--limit <count>", "at most so many", wholeNumber(1, 100_000), 1000)
    .action(withSession(list));
  links
    .command("change")
    .description("change a link where it lies; it becomes yours, and a redeploy leaves it alone")
    .argument("<link>", "the link's id")
    .addOption(new Option("--on", "switch it on").conflicts("off"))
    .option("--off", "switch it off")
    .option("--version <version>", 'a version\'s id, or "active"')
    .addOption(new Option("--filter <expression>", "CEL over `event`").conflicts("clearFilter"))
    .option("--clear-filter", "take the filter away")
    .action(withSession(change));
  return links;
}

async function list({ api, terminal }: Session, { project, service, type, limit }: ListOptions): Promise<void> {
  const ref = service === undefined ? undefined : serviceRefOf(service, project).text;
  const { items } = await api.list<LinkAnswer>("/api/v1/links", { project, service: ref, eventType: type }, limit);
  const filtered = project !== undefined || service !== undefined || type !== undefined;
  const empty = filtered
    ? "no link is like that; `fx links` shows all"
    : "no event starts anything yet: `fx link <type> <service>`";
  await terminal.list(items, columns, empty);
}

async function change({ api, terminal }: Session, id: string, options: ChangeOptions & { clearFilter?: boolean }) {
  const body = {
    ...(options.on ? { active: true } : {}),
    ...(options.off ? { active: false } : {}),
    ...(options.version === undefined ? {} : { version: options.version }),
    ...(options.filter === undefined ? {} : { filter: options.filter }),
    ...(options.clearFilter ? { filter: null } : {}),
  };
  if (Object.keys(body).length === 0) throw usageError("nothing to change was named", "fx links change --help");
  const answer = await api.send<LinkAnswer>("PATCH", `/api/v1/links/${encodeURIComponent(id)}`, { json: body });
  const { tableText } = await import("../terminal/table.ts");
  await terminal.one(answer.body, () => tableText([answer.body], columns, terminal.paint));
}
