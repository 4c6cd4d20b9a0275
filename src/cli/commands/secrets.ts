import { readFileSync } from "node:fs";
import { text as textOfStream } from "node:stream/consumers";
import type { Command } from "commander";
import { usageError } from "../cli-error.ts";
import type { Time } from "../connection/wire.ts";
import { scopeHelp, scopeRefOf } from "../scope-ref.ts";
import { serviceRefOf } from "../service-ref.ts";
import { type Session, withSession } from "../session.ts";
import { askHidden } from "../terminal/ask-hidden.ts";
import type { Column } from "../terminal/column.ts";
import { safe } from "../terminal/safe.ts";
import { clockText } from "../terminal/times.ts";

interface SecretAnswer {
  scope: string;
  name: string;
  version: number;
  origin: string;
  storedAt: Time;
}

type Granted = "project" | "platform";

const columns: Column<SecretAnswer>[] = [
  { title: "name", of: ({ name }) => safe(name) },
  { title: "version", of: ({ version }) => String(version) },
  { title: "by", of: ({ origin }) => origin },
  { title: "at", of: ({ storedAt }) => clockText(storedAt, Date.now()) },
];

export function defineSecrets(program: Command): Command {
  const secrets = program.command("secrets").description("the secrets that scripts may read, and who may set them");
  secrets
    .command("list")
    .description("names of the secrets of a scope; values are never shown")
    .argument("<scope>", scopeHelp)
    .action(withSession(list));
  secrets
    .command("set")
    .description("set a secret: its value comes from standard input or a file, and is asked for at a terminal")
    .argument("<scope>", scopeHelp)
    .argument("<name>")
    .option("--file <file>", "take the value from a file")
    .option("--as-json", "the value is JSON, such as an object, and scripts get it as that")
    .action(withSession(set));
  secrets
    .command("delete")
    .description("delete a secret; a deploy does not bring it back")
    .argument("<scope>", scopeHelp)
    .argument("<name>")
    .action(withSession(remove));
  secrets
    .command("grant")
    .description("let a service's scripts set secrets of its project, or of the platform")
    .argument("<service>", "project/name, or a name")
    .argument("<scope>", "project or platform")
    .action(withSession((session, service: string, scope: string) => change(session, service, scope, true)));
  secrets
    .command("revoke")
    .description("take that back")
    .argument("<service>", "project/name, or a name")
    .argument("<scope>", "project or platform")
    .action(withSession((session, service: string, scope: string) => change(session, service, scope, false)));
  return secrets;
}

async function list({ api, terminal }: Session, scope: string): Promise<void> {
  const { text } = scopeRefOf(scope);
  const { items } = await api.list<SecretAnswer>("/api/v1/secrets", { scope: text }, 100_000);
  await terminal.list(items, columns, `${text} has no secrets: fx secrets set ${text} <name>`);
}

async function set(
  { api, terminal, options: { input } }: Session,
  scope: string,
  name: string,
  options: { file?: string; asJson?: boolean },
): Promise<void> {
  const { text } = scopeRefOf(scope);
  const given = await readValue(options.file, input === false ? undefined : `value of ${name}: `);
  const value = options.asJson ? readJson(given) : given;
  const query = { scope: text, name };
  const { body } = await api.send<SecretAnswer & { warnings: string[] }>("PUT", "/api/v1/secrets", {
    query,
    json: { value },
  });
  for (const warning of body.warnings) terminal.say(`${terminal.paintTalk("yellow", "warning")} ${warning}`);
  await terminal.one(body, () => `set ${safe(name)} of ${text}, version ${body.version}`);
  terminal.next(`fx secrets list ${text}`);
}

async function remove({ api, terminal }: Session, scope: string, name: string): Promise<void> {
  const { text } = scopeRefOf(scope);
  await api.send("DELETE", "/api/v1/secrets", { query: { scope: text, name } });
  await terminal.one({ deleted: name }, () => `deleted ${safe(name)} of ${text}`);
}

async function change({ api, terminal }: Session, service: string, scope: string, granted: boolean): Promise<void> {
  if (scope !== "project" && scope !== "platform")
    throw usageError(`"${scope}" cannot be granted: project or platform`);
  const ref = serviceRefOf(service);
  const before = await api.get<{ secrets: Granted[] }>(`${ref.path}/grants`);
  const others = before.secrets.filter((one) => one !== scope);
  const json = { secrets: granted ? [...others, scope] : others };
  const { body } = await api.send<{ secrets: Granted[] }>("PUT", `${ref.path}/grants`, { json });
  const may =
    body.secrets.length === 0 ? "its own secrets only" : `its own secrets and those of: ${body.secrets.join(", ")}`;
  await terminal.one(body, () => `${ref.text} may set ${may}`);
}

/** One line feed at the end is the terminal's or the editor's, not the secret's. */
async function readValue(file: string | undefined, question: string | undefined): Promise<string> {
  if (file !== undefined) return withoutLastLineFeed(readFileSync(file, "utf8"));
  if (process.stdin.isTTY) {
    if (question === undefined)
      throw usageError("no value is given", "give it on standard input or with --file; --no-input forbids to ask");
    return askHidden(question);
  }
  return withoutLastLineFeed(await textOfStream(process.stdin));
}

function withoutLastLineFeed(text: string): string {
  return text.replace(/\r?\n$/, "");
}

/** A parser's message would quote the value. */
function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw usageError("the value is not JSON", "leave out --as-json to store it as a text");
  }
}
