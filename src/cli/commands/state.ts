import type { Command } from "commander";
import { defaultProject } from "../../services/service-ref.ts";
import { valueOfWord } from "../scope-ref.ts";
import { serviceRefOf } from "../service-ref.ts";
import { type Session, withSession } from "../session.ts";
import type { Column } from "../terminal/column.ts";
import { wholeNumber } from "../terminal/read-options.ts";
import { safe } from "../terminal/safe.ts";

interface StateValue {
  key: string;
  value: unknown;
  version: number;
}

const columns: Column<StateValue>[] = [
  { title: "key", of: ({ key }) => safe(key) },
  { title: "value", of: ({ value }) => JSON.stringify(value) },
  { title: "version", of: ({ version }) => String(version) },
];

export function defineState(program: Command): Command {
  const state = program.command("state").description("what a service's scripts keep from run to run");
  state
    .command("get")
    .description("all of it, or one key's value as JSON")
    .argument("<service>", "project/name, or a name")
    .argument("[key]")
    .option("--project <project>", "the project of a bare name", defaultProject)
    .action(withSession(get));
  state
    .command("put")
    .description("set one key")
    .argument("<service>", "project/name, or a name")
    .argument("<key>")
    .argument("<value>", "JSON, or a text")
    .option("--project <project>", "the project of a bare name", defaultProject)
    .option("--if-version <version>", "only if this is its version; 0: only if there is none", wholeNumber(0, 1e9))
    .action(withSession(put));
  state
    .command("delete")
    .description("delete one key")
    .argument("<service>", "project/name, or a name")
    .argument("<key>")
    .option("--project <project>", "the project of a bare name", defaultProject)
    .action(withSession(remove));
  return state;
}

async function get(
  { api, terminal }: Session,
  service: string,
  key: string | undefined,
  options: { project: string },
): Promise<void> {
  const { path, text } = placeOf(service, options.project);
  const { items } = await api.list<StateValue>(path, {}, 100_000);
  if (key === undefined) return terminal.list(items, columns, `${text} has no state: its scripts put none`);
  const found = items.find((one) => one.key === key);
  if (found === undefined) {
    const { CliError } = await import("../cli-error.ts");
    throw new CliError({ what: `${text} has no state "${key}"`, fix: `fx state get ${text}`, exit: "notFound" });
  }
  await terminal.one(found, () => JSON.stringify(found.value, undefined, 2));
}

async function put(
  { api, terminal }: Session,
  service: string,
  key: string,
  word: string,
  { project, ifVersion }: { project: string; ifVersion?: number },
): Promise<void> {
  const { path, text } = placeOf(service, project);
  const call = { query: { expectedVersion: ifVersion }, json: { [key]: valueOfWord(word) } };
  const { body } = await api.send<{ items: StateValue[] }>("PUT", path, call);
  const [stored] = body.items as [StateValue];
  await terminal.one(
    stored,
    () => `${safe(key)} of ${text} is ${JSON.stringify(stored.value)}, version ${stored.version}`,
  );
  terminal.next(`fx state get ${text}`);
}

async function remove({ api, terminal }: Session, service: string, key: string, { project }: { project: string }) {
  const { path, text } = placeOf(service, project);
  await api.send("DELETE", path, { query: { key } });
  await terminal.one({ deleted: key }, () => `deleted ${safe(key)} of ${text}`);
}

function placeOf(service: string, project: string): { path: string; text: string } {
  const { project: owner, name, text } = serviceRefOf(service, project);
  return { path: `/api/v1/state/${owner}/${name}`, text };
}
