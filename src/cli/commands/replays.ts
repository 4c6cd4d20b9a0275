import type { Command } from "commander";
import type { ReplayAnswer, ReplayDetail } from "../connection/wire.ts";
import { replayText } from "../replay/replay-text.ts";
import { type Session, withSession } from "../session.ts";
import type { Column } from "../terminal/column.ts";
import { wholeNumber } from "../terminal/read-options.ts";
import { clockText } from "../terminal/times.ts";

const columns: Column<ReplayAnswer>[] = [
  { title: "created", of: ({ createdAt }) => clockText(createdAt, Date.now()) },
  { title: "flow", of: ({ correlationId }) => correlationId },
  { title: "runs", of: ({ executions }) => String(executions) },
  { title: "versions", of: ({ versions }) => Object.keys(versions).join(", ") },
  { title: "replay", of: ({ id }) => id },
];

export function defineReplays(program: Command): Command {
  const replays = program.command("replays").description("flows that were run again, and what came of it");
  replays
    .command("list", { isDefault: true })
    .description("replays, newest first (the default: `fx replays`)")
    .option("--correlation <correlationid>", "of this flow")
    .option("--limit <count>", "at most so many", wholeNumber(1, 100_000), 50)
    .action(withSession(list));
  replays
    .command("show")
    .description("one replay: a verdict for each execution, and what differs")
    .argument("<replay>", "its id")
    .action(withSession(show));
  replays
    .command("delete")
    .description("delete a replay that has ended, with its executions")
    .argument("<replay>", "its id")
    .action(withSession(remove));
  return replays;
}

async function list({ api, terminal }: Session, options: { correlation?: string; limit: number }): Promise<void> {
  const query = { correlationid: options.correlation };
  const { items } = await api.list<ReplayAnswer>("/api/v1/replays", query, options.limit);
  await terminal.list(items, columns, "no replay: `fx replay <correlationid> --wait`");
}

async function show({ api, terminal }: Session, id: string): Promise<void> {
  const found = await api.get<ReplayDetail>(`/api/v1/replays/${encodeURIComponent(id)}`);
  await terminal.one(found, () => replayText(found, terminal.paint));
}

async function remove({ api, terminal }: Session, id: string): Promise<void> {
  await api.send("DELETE", `/api/v1/replays/${encodeURIComponent(id)}`);
  terminal.say(`replay ${id} is deleted`);
}
