import { type Command, Option } from "commander";
import { CliError } from "../cli-error.ts";
import type { MetricNames, MetricSeries } from "../connection/wire.ts";
import { type Session, withSession } from "../session.ts";
import type { Column } from "../terminal/column.ts";
import { pointInTime, seconds } from "../terminal/read-options.ts";
import { sparkline } from "../terminal/sparkline.ts";
import { durationText, sizeText } from "../terminal/times.ts";

interface MetricsOptions {
  by?: string;
  where?: string;
  how: string;
  from?: string;
  to?: string;
  step?: number;
}

type Line = MetricSeries["items"][number];

const namesAtOnce = 50;

export function defineMetrics(program: Command): Command {
  return program
    .command("metrics")
    .argument("[name]", "a metric; without it all of them")
    .description("what the platform's processes measured of themselves, through time")
    .option("--by <labels>", "told apart by process, host, roles, service …; several with commas")
    .option("--where <labels>", "of series with these labels: service=shop/price; several with commas")
    .addOption(new Option("--how <how>", "how series become one").choices(["sum", "average", "highest"]).default("sum"))
    .option("--from <time>", "from then on: a time, or 15m, 2h, 7d ago (an hour)", pointInTime(Date.now))
    .option("--to <time>", "before then", pointInTime(Date.now))
    .option("--step <time>", "of a bar: 30s, 5m, 1h", seconds)
    .action(withSession(metrics));
}

async function metrics(
  { api, terminal }: Session,
  name: string | undefined,
  { step, from, to, ...options }: MetricsOptions,
): Promise<void> {
  const known = (await api.get<MetricNames>("/api/v1/metrics", { from, to })).items.map((item) => item.name);
  if (name !== undefined && !known.includes(name)) throw unknownMetric(name, known);
  const lines: Line[] = [];
  let stepMs = 0;
  const wanted = name === undefined ? known : [name];
  for (let at = 0; at < wanted.length; at += namesAtOnce) {
    const query = { ...options, from, to, name: wanted.slice(at, at + namesAtOnce).join(",") };
    const answer = await api.get<MetricSeries>("/api/v1/metrics/series", {
      ...query,
      stepMs: step === undefined ? undefined : String(Math.round(step * 1000)),
    });
    lines.push(...answer.items);
    stepMs = answer.stepMs;
  }
  await terminal.list(lines, columnsOf(lines, stepMs), "nothing was measured in that time");
}

function columnsOf(lines: readonly Line[], stepMs: number): Column<Line>[] {
  const [first] = lines;
  const times = lines.flatMap(({ points }) => points.map(({ at }) => Date.parse(at)));
  const begin = Math.min(...times);
  const bars = Math.round((Math.max(...times) - begin) / stepMs) + 1;
  const valuesOf = ({ points }: Line) => {
    const values = new Array<number | undefined>(bars).fill(undefined);
    for (const { at, value } of points) values[Math.round((Date.parse(at) - begin) / stepMs)] = value;
    return values;
  };
  return [
    { title: "metric", of: ({ name, kind }) => (kind === "counter" ? `${name} /s` : name) },
    ...Object.keys(first?.labels ?? {}).map((label) => ({
      title: label,
      of: ({ labels }: Line) => labels[label] ?? "",
    })),
    { title: "now", of: (line) => valueText(line, line.points.at(-1)?.value) },
    { title: "lowest", of: (line) => valueText(line, Math.min(...line.points.map(({ value }) => value))) },
    { title: "highest", of: (line) => valueText(line, Math.max(...line.points.map(({ value }) => value))) },
    { title: `a bar is ${durationText(stepMs)}`, of: (line) => sparkline(valuesOf(line)) },
  ];
}

function valueText({ name, kind }: Line, value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return "";
  if (name.endsWith("_bytes")) return sizeText(value);
  if (kind === "gauge" && name.endsWith("_seconds")) return durationText(value * 1000);
  return Number.isInteger(value) ? String(value) : value.toPrecision(3);
}

function unknownMetric(name: string, known: readonly string[]): CliError {
  const names = known.length === 0 ? "nothing was measured in that time" : `there are ${known.join(", ")}`;
  return new CliError({ what: `there is no metric "${name}"`, why: names, fix: "fx metrics", exit: "notFound" });
}
