import type { Command } from "commander";
import type { EventAnswer } from "../connection/wire.ts";
import { type Session, withSession } from "../session.ts";
import { wordsOption } from "../terminal/closed-words.ts";
import type { Column } from "../terminal/column.ts";
import { pointInTime, wholeNumber } from "../terminal/read-options.ts";
import { paintStatus } from "../terminal/style.ts";
import { clockText } from "../terminal/times.ts";

interface EventsOptions {
  follow?: boolean;
  type?: string;
  source?: string;
  id?: string;
  correlation?: string;
  project?: string;
  outcome?: string;
  from?: string;
  to?: string;
  limit: number;
}

const columns: Column<EventAnswer>[] = [
  { title: "received", of: ({ receivedAt }) => clockText(receivedAt ?? "", Date.now()) },
  { title: "type", of: ({ event }) => event.type },
  { title: "outcome", of: ({ outcome }, paint) => paintStatus(paint, outcome) },
  { title: "runs", of: ({ links }) => String(links.filter(({ executionId }) => executionId).length) },
  { title: "flow", of: ({ event }) => event.correlationid ?? "" },
  { title: "event", of: ({ key }) => key },
];

export function defineEvents(program: Command): Command {
  return program
    .command("events")
    .description("the events, newest first, or as they come")
    .option("-f, --follow", "print each one when it is routed, until Ctrl-C")
    .option("--type <type>", "of this type")
    .option("--source <source>", "from this source")
    .option("--id <id>", "with this id")
    .option("--correlation <correlationid>", "of this flow")
    .option("--project <project>", "of this project")
    .addOption(
      wordsOption("--outcome <outcome>", "matched, unmatched or rejected", ["matched", "unmatched", "rejected"]),
    )
    .option("--from <time>", "received at or after: a time, or 30s, 15m, 2h, 7d ago", pointInTime(Date.now))
    .option("--to <time>", "received before", pointInTime(Date.now))
    .option("--limit <count>", "at most so many", wholeNumber(1, 100_000), 50)
    .action(withSession(events));
}

async function events(session: Session, { follow, limit, correlation, ...filter }: EventsOptions): Promise<void> {
  const { api, terminal } = session;
  const query = { ...filter, correlationid: correlation };
  if (follow) return tail(session, query);
  const { items, next } = await api.list<EventAnswer>("/api/v1/events", query, limit);
  const filtered = Object.values(query).some((value) => value !== undefined);
  const empty = filtered
    ? "no event is like that; `fx events` shows all"
    : "no event yet: `fx send <type> --data '{}'`";
  await terminal.list(items, columns, empty);
  if (next !== undefined) terminal.say(`there are more: --limit ${limit * 2}`);
}

async function tail({ api, terminal }: Session, query: Record<string, string | undefined>): Promise<void> {
  terminal.say("waiting for events; Ctrl-C ends");
  for await (const { data } of api.follow("/api/v1/events", query)) {
    const entry = JSON.parse(data) as EventAnswer;
    terminal.entry(entry, () => {
      const starts = entry.links
        .filter(({ executionId }) => executionId)
        .map(({ project, service }) => `${project}/${service}`);
      const told = starts.length > 0 ? `→ ${starts.join(", ")}` : (entry.reason ?? "");
      const outcome = paintStatus(terminal.paint, entry.outcome);
      return `${clockText(entry.receivedAt ?? "", Date.now())}  ${entry.event.type}  ${outcome}  ${told}`.trimEnd();
    });
  }
}
