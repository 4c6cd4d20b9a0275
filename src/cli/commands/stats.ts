import type { Command } from "commander";
import type { DurationAnswer, StatsAnswer } from "../connection/wire.ts";
import { serviceRefOf } from "../service-ref.ts";
import { type Session, withSession } from "../session.ts";
import { wordsOption } from "../terminal/closed-words.ts";
import type { Column } from "../terminal/column.ts";
import { pointInTime } from "../terminal/read-options.ts";
import { paintStatus } from "../terminal/style.ts";
import { durationText } from "../terminal/times.ts";

interface StatsOptions {
  by: string;
  from?: string;
  to?: string;
  project?: string;
  service?: string;
}

type Row = StatsAnswer["items"][number];

const figures: Column<Row>[] = [
  { title: "count", of: ({ count }) => String(count) },
  { title: "p50", of: ({ duration }) => timeOf(duration.p50Ms) },
  { title: "p95", of: ({ duration }) => timeOf(duration.p95Ms) },
  { title: "longest", of: ({ duration }) => timeOf(duration.maxMs) },
  { title: "waited p50", of: ({ queue }) => timeOf(queue.p50Ms) },
  { title: "waited p95", of: ({ queue }) => timeOf(queue.p95Ms) },
];

export function defineStats(program: Command): Command {
  return program
    .command("stats")
    .description("how many executions ended, how long they ran and waited")
    .addOption(
      wordsOption(
        "--by <keys>",
        "status, trigger, service, project, day or hour; several with commas",
        ["status", "trigger", "service", "project", "day", "hour"],
        { several: true },
      ).default("service,status"),
    )
    .option("--from <time>", "ended from then on: a time, or 15m, 2h, 7d ago (a week)", pointInTime(Date.now))
    .option("--to <time>", "ended before", pointInTime(Date.now))
    .option("--project <project>", "of one project")
    .option("--service <service>", "of one service, project/name")
    .action(withSession(stats));
}

async function stats({ api, terminal }: Session, { service, project, ...options }: StatsOptions): Promise<void> {
  const ref = service === undefined ? undefined : serviceRefOf(service, project).text;
  const query = { ...options, project: ref === undefined ? project : undefined, service: ref };
  const { items } = await api.get<StatsAnswer>("/api/v1/stats/executions", query);
  const [first] = items;
  const columns: Column<Row>[] = [];
  if (first?.at !== undefined) columns.push({ title: "from (UTC)", of: ({ at = "" }) => at.slice(0, 16) });
  if (first?.service !== undefined) {
    columns.push({ title: "service", of: (row) => `${row.project}/${row.service}` });
  } else if (first?.project !== undefined) columns.push({ title: "project", of: (row) => row.project ?? "" });
  if (first?.trigger !== undefined) columns.push({ title: "started by", of: (row) => row.trigger ?? "" });
  if (first?.status !== undefined) {
    columns.push({ title: "status", of: (row, paint) => paintStatus(paint, row.status ?? "") });
  }
  await terminal.list(
    items,
    [...columns, ...figures],
    "no execution ended in that time: fx executions shows what runs",
  );
}

function timeOf(ms: DurationAnswer["p50Ms"]): string {
  return ms === null ? "" : durationText(ms);
}
