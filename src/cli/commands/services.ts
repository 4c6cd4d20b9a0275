import { type Command, Option } from "commander";
import { defaultProject } from "../../services/service-ref.ts";
import { usageError } from "../cli-error.ts";
import type { DeletedServiceAnswer, ServiceAnswer, VersionAnswer } from "../connection/wire.ts";
import { serviceRefOf } from "../service-ref.ts";
import { type Session, withSession } from "../session.ts";
import type { Column } from "../terminal/column.ts";
import { wholeNumber } from "../terminal/read-options.ts";
import { clockText, countText } from "../terminal/times.ts";
import { shownVersionLength, wholeVersion } from "../whole-version.ts";

interface ChangeOptions {
  project: string;
  version?: string;
  on?: boolean;
  off?: boolean;
  priority?: number;
}

const columns: Column<ServiceAnswer>[] = [
  { title: "service", of: ({ project, name }) => `${project}/${name}` },
  { title: "version", of: ({ activeVersion }) => activeVersion?.slice(0, shownVersionLength) ?? "none" },
  { title: "state", of: ({ active }, paint) => (active ? "on" : paint("yellow", "off")) },
  { title: "priority", of: ({ priority }) => String(priority) },
  { title: "changed", of: ({ updatedAt }) => clockText(updatedAt, Date.now()) },
];

export function defineServices(program: Command): Command {
  const services = program.command("services").description("the services, and changes to one");
  services
    .command("list", { isDefault: true })
    .description("the services (the default: `fx services`)")
    .option("--project <project>", "of one project")
    .option("--limit <count>", "at most so many", wholeNumber(1, 100_000), 1000)
    .action(withSession(list));
  services
    .command("versions")
    .description("the versions of a service, newest first")
    .argument("<service>", "project/name, or a name")
    .option("--project <project>", "the project of a bare name", defaultProject)
    .option("--limit <count>", "at most so many", wholeNumber(1, 100_000), 1000)
    .action(withSession(versions));
  services
    .command("change")
    .description("roll back or forward, switch on or off, change the priority")
    .argument("<service>", "project/name, or a name")
    .option("--project <project>", "the project of a bare name", defaultProject)
    .option("--version <version>", "make this version the active one; the beginning of its id will do")
    .addOption(new Option("--on", "switch it on").conflicts("off"))
    .option("--off", "switch it off: links to it start nothing, and the ledger says so")
    .option("--priority <priority>", "1 (highest) to 10 (lowest)", wholeNumber(1, 10))
    .action(withSession(change));
  services
    .command("delete")
    .description(
      "delete a service with its versions, links, state, configuration and secrets; what has run stays in the history",
    )
    .argument("<service>", "project/name, or a name")
    .option("--project <project>", "the project of a bare name", defaultProject)
    .option("--force", "also while executions of it run or wait, which are cancelled")
    .action(withSession(remove));
  return services;
}

async function list({ api, terminal }: Session, { project, limit }: { project?: string; limit: number }) {
  const { items } = await api.list<ServiceAnswer>("/api/v1/services", { project }, limit);
  await terminal.list(items, columns, "no service yet: `fx deploy examples/hello` is a first one");
}

async function versions({ api, terminal }: Session, service: string, options: { project: string; limit: number }) {
  const { path } = serviceRefOf(service, options.project);
  const { activeVersion } = await api.get<ServiceAnswer>(path);
  const { items } = await api.list<VersionAnswer>(`${path}/versions`, {}, options.limit);
  const columns: Column<VersionAnswer>[] = [
    { title: "version", of: ({ version }) => version.slice(0, shownVersionLength) },
    { title: "state", of: ({ version }) => (version === activeVersion ? "active" : "") },
    { title: "scripts", of: ({ scripts }) => scripts.join(" ") },
    { title: "deployed", of: ({ createdAt }) => clockText(createdAt, Date.now()) },
  ];
  await terminal.list(items, columns, "no version yet");
}

async function change({ api, terminal }: Session, service: string, options: ChangeOptions): Promise<void> {
  const ref = serviceRefOf(service, options.project);
  const body = {
    ...(options.version === undefined ? {} : { activeVersion: await wholeVersion(api, ref, options.version) }),
    ...(options.on ? { active: true } : {}),
    ...(options.off ? { active: false } : {}),
    ...(options.priority === undefined ? {} : { priority: options.priority }),
  };
  if (Object.keys(body).length === 0) throw usageError("nothing to change was named", "fx services change --help");
  const answer = await api.send<ServiceAnswer>("PATCH", ref.path, { json: body });
  const { tableText } = await import("../terminal/table.ts");
  await terminal.one(answer.body, () => tableText([answer.body], columns, terminal.paint));
}

interface RemoveOptions {
  project: string;
  force?: boolean;
}

async function remove({ api, terminal }: Session, service: string, options: RemoveOptions): Promise<void> {
  const { path, text } = serviceRefOf(service, options.project);
  const force = options.force ?? false;
  const { body } = await api.send<DeletedServiceAnswer>("DELETE", path, { query: { force } });
  await terminal.one({ deleted: text, ...body }, () => `deleted ${text} with ${goneText(body)}`);
}

function goneText(gone: DeletedServiceAnswer): string {
  const counts = [
    countText(gone.versions, "version"),
    countText(gone.links, "link"),
    countText(gone.state, "key of state", "keys of state"),
    countText(gone.configuration, "value of configuration", "values of configuration"),
    countText(gone.secrets, "secret"),
    ...(gone.jobs > 0 ? [countText(gone.jobs, "run asked for later", "runs asked for later")] : []),
  ];
  const cancelled = gone.cancelled > 0 ? `; ${countText(gone.cancelled, "execution")} cancelled` : "";
  return `${counts.join(", ")}${cancelled}`;
}
