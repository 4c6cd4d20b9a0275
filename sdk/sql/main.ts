/** Runs one `.sql` script: dials the run's channel, binds the values, runs the statements, offers the last rows. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Channel, type Welcome } from "./channel.ts";
import { type Address, addressOf, connectionOf, openDatabase, withoutCredentials } from "./connection.ts";
import { forbiddenIn } from "./forbidden.ts";
import { manifestConnection } from "./manifest-connection.ts";
import { SqlProblem } from "./problem.ts";
import { runFile } from "./run-file.ts";
import { splitStatements } from "./sql-statements.ts";
import { type Json, SqlTemplate } from "./template.ts";
import { Watchdog } from "./watchdog.ts";

const {
  FX_CHANNEL = "",
  FX_NONCE = "",
  FX_SQL_DIRECTORY = "",
  FX_SQL_HIDDEN = "",
  FX_SQL_COPIES = "",
  FX_SQL_STATEMENT_MS,
} = process.env;
const serverMarginMs = 5_000;
const statementMs = Number(FX_SQL_STATEMENT_MS ?? 60_000);

async function main(): Promise<void> {
  const { channel, welcome } = await Channel.dial(FX_CHANNEL, FX_NONCE);
  const file = welcome.context.execution.script;
  let address: Address | undefined;
  try {
    const source = readFileSync(join(welcome.directory, file), "utf8");
    const template = new SqlTemplate(source);
    address = await findAddress(source, welcome, channel);
    // A server ends its statements itself; the watchdog is for one that does not answer any more.
    const watchdog = new Watchdog(file, address.dialect === "sqlite" ? statementMs : statementMs + serverMarginMs);
    const { marked, values } = template.render(
      await contextOf(template, welcome, channel),
      address.dialect === "sqlite" ? "()" : undefined,
    );
    const statements = splitStatements(marked, address.dialect);
    for (const statement of statements) {
      const refusal = address.dialect === "sqlite" ? forbiddenIn(statement) : undefined;
      if (refusal !== undefined) throw new SqlProblem(statement.line, refusal);
    }
    const { replay } = welcome.context.execution;
    const isRolledBack = replay && address.dialect === "postgres";
    const database = await openDatabase(replay ? await replayed(address, welcome) : address, statementMs);
    const result = await runFile(statements, values, { file, database, channel, watchdog, isRolledBack });
    await database.close();
    if (result) {
      await write(process.stdout, `${JSON.stringify(result.rows)}\n`);
      if (result.cut) await write(process.stderr, `${file}: only the first ${result.rows.length} rows are kept\n`);
      await channel.request("setResult", { value: result.rows });
    }
  } catch (error) {
    const { message } = error as Error;
    const place = error instanceof SqlProblem ? `${file}:${error.line}` : file;
    await write(process.stderr, `${place}: ${address ? withoutCredentials(message, address) : message}\n`);
    process.exitCode = 1;
  }
  await channel.close();
  // A connection that is being closed must not hold the step.
  process.exit();
}

async function findAddress(source: string, { directory, context }: Welcome, channel: Channel): Promise<Address> {
  const name = connectionOf(source) ?? manifestConnection(directory);
  const places = { directory: FX_SQL_DIRECTORY, hidden: FX_SQL_HIDDEN };
  if (name === undefined) return { dialect: "sqlite", target: join(FX_SQL_DIRECTORY, "main.db") };
  const value = await channel.request("getSecret", { name });
  if (value !== null) return addressOf(name, value, places);
  const { project } = context.service;
  throw new SqlProblem(
    1,
    `there is no secret '${name}' for this service; set it: fx secrets set project:${project} ${name}`,
  );
}

/** Where a replay works in place of `address`: of SQLite on a copy, of PostgreSQL there, in what is rolled back. */
async function replayed(address: Address, { context }: Welcome): Promise<Address> {
  if (address.dialect !== "sqlite") return address;
  if (FX_SQL_COPIES === "")
    throw new SqlProblem(1, "a replay works on a copy of its database, and was given no place for it");
  const { copyDatabase, copyName } = await import("./copy-database.ts");
  const { id, attempt } = context.execution;
  return {
    dialect: "sqlite",
    target: await copyDatabase(address.target, FX_SQL_COPIES, copyName(id, attempt, address.target)),
  };
}

async function contextOf(template: SqlTemplate, { context }: Welcome, channel: Channel) {
  const found: Record<string, Json> = {
    params: context.params,
    config: context.config,
    event: context.event,
    previous: context.previous,
    service: context.service,
    execution: context.execution,
  };
  if (template.names.has("state")) found.state = await channel.request("getState");
  return found;
}

function write(stream: NodeJS.WriteStream, text: string): Promise<void> {
  return new Promise((resolve) => stream.write(text, () => resolve()));
}

await main();
