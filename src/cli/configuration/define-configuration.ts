import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { usageError } from "../cli-error.ts";
import type { Time } from "../connection/wire.ts";
import { scopeHelp, scopeRefOf, valueOfWord } from "../scope-ref.ts";
import { type Session, withSession } from "../session.ts";
import type { Column } from "../terminal/column.ts";
import { wholeNumber } from "../terminal/read-options.ts";
import { safe } from "../terminal/safe.ts";
import { clockText } from "../terminal/times.ts";

interface Entry {
  scope: string;
  key: string;
  value: unknown;
  version: number;
  deleted: boolean;
  origin: string;
  storedAt: Time;
}

const shownLength = 60;

const columns: Column<Entry>[] = [
  { title: "key", of: ({ key }) => safe(key) },
  { title: "value", of: ({ value, deleted }, paint) => (deleted ? paint("gray", "deleted") : shown(value)) },
  { title: "version", of: ({ version }) => String(version) },
  { title: "by", of: ({ origin }) => origin },
  { title: "at", of: ({ storedAt }) => clockText(storedAt, Date.now()) },
];
const scopeColumn: Column<Entry> = { title: "from", of: ({ scope }) => scope };

/** `fx config ...` for the configuration of services; `fx config show` is about the platform's own settings. */
export function defineConfiguration(config: Command): void {
  config
    .command("list")
    .description("the configuration of a scope")
    .argument("<scope>", scopeHelp)
    .option("--effective", "what a service sees, with the scope each value comes from")
    .action(withSession(list));
  config
    .command("get")
    .description("one value, as JSON")
    .argument("<scope>", scopeHelp)
    .argument("<key>")
    .action(withSession(get));
  config
    .command("set")
    .description("set a value; running scripts see it from their next run on")
    .argument("<scope>", scopeHelp)
    .argument("<key>")
    .argument("[value]", "JSON, or a text")
    .option("--file <file>", "take the JSON value from a file")
    .option("--if-version <version>", "only if this is its version; 0: only if there is none", wholeNumber(0, 1e9))
    .action(withSession(set));
  config
    .command("delete")
    .description("delete a value; its history stays, and a deploy does not bring it back")
    .argument("<scope>", scopeHelp)
    .argument("<key>")
    .action(withSession(remove));
  config
    .command("history")
    .description("every version of a value, newest first")
    .argument("<scope>", scopeHelp)
    .argument("<key>")
    .option("--limit <count>", "at most so many", wholeNumber(1, 100_000), 1000)
    .action(withSession(history));
  config
    .command("restore")
    .description("set the value of an older version again")
    .argument("<scope>", scopeHelp)
    .argument("<key>")
    .argument("<version>", "see fx config history", wholeNumber(1, 1e9))
    .action(withSession(restore));
}

async function list({ api, terminal }: Session, scope: string, { effective }: { effective?: boolean }): Promise<void> {
  const { path, text } = scopeRefOf(scope);
  const { items } = await api.list<Entry>(path, effective ? { effective } : {}, 100_000);
  const empty = `${text} has no configuration: fx config set ${text} <key> <value>`;
  await terminal.list(items, effective ? [...columns, scopeColumn] : columns, empty);
}

async function get({ api, terminal }: Session, scope: string, key: string): Promise<void> {
  const entry = await api.get<Entry>(pathOf(scope, key));
  await terminal.one(entry, () => JSON.stringify(entry.value, undefined, 2));
}

async function set(
  { api, terminal }: Session,
  scope: string,
  key: string,
  word: string | undefined,
  { file, ifVersion }: { file?: string; ifVersion?: number },
): Promise<void> {
  if ((word === undefined) === (file === undefined)) throw usageError("give a value, or --file <file>");
  const value = word === undefined ? JSON.parse(readFileSync(file as string, "utf8")) : valueOfWord(word);
  const headers = ifVersion === undefined ? {} : { "if-match": `"${ifVersion}"` };
  const { body } = await api.send<Entry>("PUT", pathOf(scope, key), { json: value, headers });
  await terminal.one(body, () => told(body));
  terminal.next(`fx config history ${scopeRefOf(scope).text} ${key}`);
}

async function remove({ api, terminal }: Session, scope: string, key: string): Promise<void> {
  await api.send("DELETE", pathOf(scope, key));
  await terminal.one({ deleted: key }, () => `deleted ${key} of ${scopeRefOf(scope).text}`);
  terminal.next(`fx config history ${scopeRefOf(scope).text} ${key}`);
}

async function history({ api, terminal }: Session, scope: string, key: string, { limit }: { limit: number }) {
  const { items } = await api.list<Entry>(pathOf(scope, key), { history: true }, limit);
  await terminal.list(items, columns, "no versions");
}

async function restore({ api, terminal }: Session, scope: string, key: string, version: number): Promise<void> {
  const { body } = await api.send<Entry>("PUT", pathOf(scope, key), { query: { restore: version } });
  await terminal.one(body, () => told(body));
}

function pathOf(scope: string, key: string): string {
  return `${scopeRefOf(scope).path}/${encodeURIComponent(key)}`;
}

function told({ scope, key, value, version }: Entry): string {
  return `${scope} ${safe(key)} is ${shown(value)}, version ${version}`;
}

function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length <= shownLength ? text : `${text.slice(0, shownLength - 1)}…`;
}
