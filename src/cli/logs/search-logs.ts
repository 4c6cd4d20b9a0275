import type { LogLineAnswer, SearchAnswer } from "../connection/wire.ts";
import type { Session } from "../session.ts";
import { safe } from "../terminal/safe.ts";
import { clockText } from "../terminal/times.ts";

export interface SearchOptions {
  follow?: boolean;
  since?: string;
  until?: string;
  limit: number;
}

const levelColours = { warning: "yellow", error: "red", critical: "red" } as const;

/** Lines of all executions that match, the newest last as in a file; with `follow` new ones as they are stored. */
export async function searchLogs(
  { api, terminal }: Session,
  q: string,
  { follow, since, until, limit }: SearchOptions,
): Promise<void> {
  const print = (line: LogLineAnswer) => terminal.entry(line, () => lineText(line));
  if (follow) {
    terminal.say("waiting for lines; Ctrl-C ends");
    for await (const { data } of api.follow("/api/v1/logs", { q, from: since, to: until })) {
      print(JSON.parse(data) as LogLineAnswer);
    }
    return;
  }
  const items: LogLineAnswer[] = [];
  let page: SearchAnswer<LogLineAnswer>;
  let after: string | undefined;
  do {
    const pageSize = Math.min(1000, limit - items.length);
    page = await api.get("/api/v1/logs", { q, from: since, to: until, limit: pageSize, after });
    items.push(...page.items);
    after = page.next ?? undefined;
  } while (after !== undefined && items.length < limit);
  items.reverse();
  if (terminal.isJson) await terminal.list(items, [], "");
  else for (const line of items) print(line);
  if (!page.complete) {
    const upTo = page.searchedTo ?? "";
    terminal.say(`the time was up: searched back to ${upTo}; go on from there with --until ${upTo}`);
  } else if (items.length === 0) {
    terminal.say("no line matches; the words of the language: docs/reference/log-query.md");
  } else if (after !== undefined) {
    terminal.say(`there are older ones: --limit ${limit * 10}, or --until ${items[0]?.at}`);
  }
  const last = items.at(-1);
  if (last) terminal.next(`fx show ${last.executionId}`);

  function lineText({ at, project, service, level, stream, text }: LogLineAnswer): string {
    const { paint } = terminal;
    const label = level === "none" ? stream : level;
    const colour = levelColours[level as keyof typeof levelColours] ?? (stream === "stderr" ? "yellow" : "dim");
    const head = `${paint("dim", clockText(at, Date.now()))}  ${project}/${service}  ${paint(colour, label)}`;
    return `${head}  ${safe(text)}`;
  }
}
