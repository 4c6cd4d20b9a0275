import type { Command } from "commander";
import type { LogAnswer } from "../connection/wire.ts";
import { LinePrinter } from "../logs/line-printer.ts";
import { type Session, withSession } from "../session.ts";
import { wholeNumber } from "../terminal/read-options.ts";

interface LogsOptions {
  follow?: boolean;
  limit: number;
}

export function defineLogs(program: Command): Command {
  return program
    .command("logs")
    .description("what an execution wrote: output and structured logs, in order of arrival")
    .argument("<execution>", "its id")
    .option("-f, --follow", "go on while it runs, until it ends")
    .option("--limit <count>", "at most so many records; without --follow", wholeNumber(1, 1_000_000), 10_000)
    .action(withSession(logs));
}

async function logs(session: Session, id: string, { follow, limit }: LogsOptions): Promise<void> {
  const path = `/api/v1/executions/${encodeURIComponent(id)}/logs`;
  const { api, terminal } = session;
  const printer = new LinePrinter(terminal);
  if (follow) {
    for await (const { data, event } of api.events(path, {})) {
      if (event === "end") break;
      printer.print(JSON.parse(data) as LogAnswer);
    }
  } else {
    const { items, next } = await api.list<LogAnswer>(path, {}, limit);
    if (terminal.isJson) return terminal.list(items, [], "");
    for (const record of items) printer.print(record);
    if (items.length === 0) terminal.say("nothing was written (or its retention has passed)");
    if (next !== undefined) terminal.say(`there is more: --limit ${limit * 10}`);
  }
  printer.end();
}
