import { type Command, Option } from "commander";
import { CliError } from "../cli-error.ts";
import type { Client } from "../connection/client.ts";
import type { WebhookAnswer } from "../connection/wire.ts";
import { linksOf } from "../links/links-of.ts";
import { type Session, withSession } from "../session.ts";
import type { Column } from "../terminal/column.ts";
import { clockText } from "../terminal/times.ts";

type NewWebhook = WebhookAnswer & { path: string; token: string };

interface AddressOptions {
  bucket?: boolean;
}

const path = "/api/v1/webhooks";

const bucketOption = [
  "--bucket",
  "show what a bucket's notifications need: an address, and the token by itself",
] as const;

const columns: Column<WebhookAnswer>[] = [
  { title: "webhook", of: ({ name }) => name },
  { title: "project", of: ({ project }) => project ?? "(all)" },
  { title: "state", of: ({ active }, paint) => (active ? "on" : paint("yellow", "off")) },
  { title: "last used", of: ({ lastUsedAt }) => (lastUsedAt ? clockText(lastUsedAt, Date.now()) : "never") },
];

export function defineHooks(program: Command): Command {
  const hooks = program.command("hooks").description("webhooks: addresses whose calls become fx.webhook.incoming");
  hooks
    .command("list", { isDefault: true })
    .description("all webhooks (the default: `fx hooks`)")
    .action(withSession(list));
  hooks
    .command("add")
    .description("make one; its address is shown this once")
    .argument("<name>", "what it is called, also in its events")
    .option("--project <project>", "only services of this project see its events")
    .option(...bucketOption)
    .action(withSession(add));
  hooks
    .command("change")
    .description("switch one on or off")
    .argument("<name>", "its name")
    .addOption(new Option("--on", "switch it on").conflicts("off"))
    .option("--off", "switch it off")
    .action(withSession(change));
  hooks
    .command("rotate")
    .description("give one a new address; the old one ends at once")
    .argument("<name>", "its name")
    .option(...bucketOption)
    .action(withSession(rotate));
  hooks.command("remove").description("delete one").argument("<name>", "its name").action(withSession(remove));
  return hooks;
}

async function list({ api, terminal }: Session): Promise<void> {
  const { items } = await api.list<WebhookAnswer>(path, {}, 10_000);
  await terminal.list(items, columns, "no webhook yet: `fx hooks add <name>`");
}

async function add(
  session: Session,
  name: string,
  { project, ...options }: AddressOptions & { project?: string },
): Promise<void> {
  const { body } = await session.api.send<NewWebhook>("POST", path, { json: { name, project } });
  await tellAddress(session, body, options);
}

async function rotate(session: Session, name: string, options: AddressOptions): Promise<void> {
  const { id } = await webhookNamed(session.api, name);
  const { body } = await session.api.send<NewWebhook>("POST", `${path}/${id}/rotate`);
  await tellAddress(session, body, options);
}

async function change({ api, terminal }: Session, name: string, { on, off }: { on?: boolean; off?: boolean }) {
  if (!on && !off) throw new CliError({ what: "nothing to change was named", fix: "--on or --off", exit: "usage" });
  const { id } = await webhookNamed(api, name);
  const { body } = await api.send<WebhookAnswer>("PATCH", `${path}/${id}`, { json: { active: on === true } });
  await terminal.one(body, () => `${name} is ${body.active ? "on" : "off"}`);
}

async function remove({ api, terminal }: Session, name: string): Promise<void> {
  const { id } = await webhookNamed(api, name);
  await api.send("DELETE", `${path}/${id}`);
  await terminal.one({ name, removed: true }, () => `${name} is gone; calls of it are answered with 404`);
}

async function tellAddress(session: Session, webhook: NewWebhook, { bucket }: AddressOptions): Promise<void> {
  if (bucket) return tellBucketAddress(session, webhook);
  const { api, terminal } = session;
  const url = `${api.url}${webhook.path}`;
  await terminal.one({ ...webhook, url }, () => url);
  terminal.say("who knows this address may call it; it is not shown again");
  await suggestLink(session, "fx.webhook.incoming", webhook.name, `event.subject == "${webhook.name}"`);
}

async function tellBucketAddress(session: Session, webhook: NewWebhook): Promise<void> {
  const { api, terminal } = session;
  const url = `${api.url}/hooks/s3`;
  await terminal.one({ ...webhook, url }, () => webhook.token);
  terminal.say(
    `the token of ${url}, as the header "Authorization: Bearer <token>" or a password; it is not shown again`,
  );
  await suggestLink(session, "fx.file.uploaded", webhook.name, `event.source == "/webhooks/${webhook.name}"`);
}

/** Where a service takes its events already, there is nothing to link. A filter that names another webhook takes none of them. */
async function suggestLink({ api, terminal }: Session, type: string, name: string, filter: string): Promise<void> {
  if (terminal.isJson) return;
  const linked = (await linksOf(api, type)).some((link) => !link.filter || link.filter.includes(name));
  terminal.next(linked ? `fx events --type ${type} --follow` : `fx link ${type} <service> --filter '${filter}'`);
}

async function webhookNamed(api: Client, name: string): Promise<WebhookAnswer> {
  const { items } = await api.list<WebhookAnswer>(path, {}, 10_000);
  const found = items.find((webhook) => webhook.name === name);
  if (found) return found;
  throw new CliError({ what: `there is no webhook ${name}`, fix: "fx hooks", exit: "notFound" });
}
