import type { Command } from "commander";
import { usageError } from "../cli-error.ts";
import type { LogAnswer } from "../connection/wire.ts";
import { LinePrinter } from "../logs/line-printer.ts";
import { searchLogs } from "../logs/search-logs.ts";
import { serviceRefOf } from "../service-ref.ts";
import { type Session, withSession } from "../session.ts";
import { pointInTime, wholeNumber } from "../terminal/read-options.ts";

interface LogsOptions {
  service?: string;
  project?: string;
  follow?: boolean;
  since?: string;
  until?: string;
  limit: number;
}

const executionId = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export function defineLogs(program: Command): Command {
  return program
    .command("logs")
    .description("what an execution wrote, or the lines of all that match a query, the newest last")
    .argument(
      "[query...]",
      'an execution\'s id; or words, "a phrase", field:value, -word (docs/reference/log-query.md)',
    )
    .option("--service <service>", "lines of one service, project/name")
    .option("--project <project>", "lines of one project; with --service, of a bare name")
    .option("-f, --follow", "go on: with what the execution writes until it ends, or with new lines that match")
    .option("--since <time>", "lines from then on: a time, or 30s, 15m, 2h, 7d ago", pointInTime(Date.now))
    .option("--until <time>", "lines before then", pointInTime(Date.now))
    .option(
      "--limit <count>",
      "at most so many, the newest; default 10000 of an execution, else 200",
      wholeNumber(1, 1_000_000),
    )
    .addHelpText("after", "\nA query that begins with - goes after --: fx logs -- -level:debug timeout")
    .action(
      withSession(async (session: Session, words: string[], { limit, ...options }: Partial<LogsOptions>) => {
        const [first = ""] = words;
        const place = placeTerm(options);
        if (words.length === 1 && executionId.test(first)) {
          if (place !== undefined)
            throw usageError("an execution is of one service: its id and --service or --project do not go together");
          await logs(session, first, { ...options, limit: limit ?? 10_000 });
          return;
        }
        const query = within(place, words.map(asOneTerm).join(" "));
        await searchLogs(session, query, { ...options, limit: limit ?? 200 });
      }),
    );
}

function placeTerm({ service, project }: Partial<LogsOptions>): string | undefined {
  if (service !== undefined) return `service:${serviceRefOf(service, project).text}`;
  return project === undefined ? undefined : `project:"${project.replaceAll(/["\\]/g, "\\$&")}"`;
}

/** The place comes last, so that a mistake in the query is told at the character where the user wrote it. */
function within(place: string | undefined, query: string): string {
  if (place === undefined) return query;
  return `${/\bOR\b/.test(query) ? `(${query})` : query} ${place}`.trim();
}

/** The shell took the quotes of a phrase away: what has spaces is one again, unless it is a query of several terms. */
function asOneTerm(word: string, _: number, all: string[]): string {
  return all.length > 1 && /\s/.test(word) && !/[":()]/.test(word) ? `"${word}"` : word;
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
