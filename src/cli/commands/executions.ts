import type { Command } from "commander";
import { executionStatuses, triggers } from "../../executions/execution.ts";
import type { ExecutionAnswer } from "../connection/wire.ts";
import { serviceRefOf } from "../service-ref.ts";
import { type Session, withSession } from "../session.ts";
import { wordsOption } from "../terminal/closed-words.ts";
import type { Column } from "../terminal/column.ts";
import { pointInTime, wholeNumber } from "../terminal/read-options.ts";
import { safe } from "../terminal/safe.ts";
import { paintStatus } from "../terminal/style.ts";
import { clockText, durationText, elapsedMs } from "../terminal/times.ts";

interface ExecutionsOptions {
  project?: string;
  service?: string;
  status?: string;
  trigger?: string;
  event?: string;
  correlation?: string;
  from?: string;
  to?: string;
  unretried?: boolean;
  limit: number;
}

const columns: Column<ExecutionAnswer>[] = [
  { title: "created", of: ({ createdAt }) => clockText(createdAt, Date.now()) },
  { title: "service", of: ({ project, service }) => `${project}/${service}` },
  { title: "status", of: ({ status }, paint) => paintStatus(paint, status) },
  { title: "took", of: (execution) => tookText(execution) },
  { title: "started by", of: ({ trigger, eventType }) => (trigger === "event" ? eventType : trigger) },
  { title: "execution", of: ({ id }) => id },
  { title: "", of: ({ reason }, paint) => paint("dim", safe(reason ?? "")) },
];

export function defineExecutions(program: Command): Command {
  return program
    .command("executions")
    .description("what ran, runs and waits, newest first")
    .option("--project <project>", "of one project")
    .option("--service <service>", "of one service, project/name")
    .addOption(
      wordsOption(
        "--status <status>",
        "pending, in_progress, completed, failed, skipped or cancelled; several with commas",
        executionStatuses,
        { several: true },
      ),
    )
    .addOption(wordsOption("--trigger <trigger>", "event, manual, schedule or replay", triggers))
    .option("--event <key>", "started by this event")
    .option("--correlation <correlationid>", "of this flow")
    .option("--from <time>", "created at or after: a time, or 30s, 15m, 2h, 7d ago", pointInTime(Date.now))
    .option("--to <time>", "created before", pointInTime(Date.now))
    .option("--unretried", "only what nobody has retried: with --status failed, what is left to do")
    .option("--limit <count>", "at most so many", wholeNumber(1, 100_000), 50)
    .action(withSession(executions));
}

async function executions({ api, terminal }: Session, options: ExecutionsOptions): Promise<void> {
  const { limit, service, event, correlation, unretried, ...rest } = options;
  const ref = service === undefined ? undefined : serviceRefOf(service, rest.project).text;
  const query = {
    ...rest,
    service: ref,
    eventkey: event,
    correlationid: correlation,
    retried: unretried ? "false" : undefined,
  };
  const { items, next } = await api.list<ExecutionAnswer>("/api/v1/executions", query, limit);
  const filtered = Object.values(query).some((value) => value !== undefined);
  const empty = filtered
    ? "no execution is like that; `fx executions` shows all"
    : "nothing has run yet: `fx run <service>`";
  await terminal.list(items, columns, empty);
  if (next !== undefined) terminal.say(`there are more: --limit ${limit * 2}`);
}

function tookText({ startedAt, finishedAt }: ExecutionAnswer): string {
  const ms = elapsedMs(startedAt, finishedAt);
  return ms === undefined ? "" : durationText(ms);
}
