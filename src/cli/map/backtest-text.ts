import type { BacktestAnswer } from "../connection/wire.ts";
import type { Paint } from "../terminal/style.ts";
import { clockText, countText } from "../terminal/times.ts";

const barWidth = 40;

/** A backtest for people: the sum, an hour a line, why others missed, and samples. */
export function backtestText(answer: BacktestAnswer, paint: Paint, nowMs: number): string {
  return [
    ...summary(answer),
    ...histogram(answer, paint, nowMs),
    ...answer.reasons.slice(0, 5).map(({ reason, count }) => `  ${paint("yellow", "✗")} ${count}×  ${reason}`),
    ...answer.further.map(
      ({ service, count }) => `  ■ ${service} would have run ${countText(count, "time")} by its links`,
    ),
    ...answer.samples.map((sample) => sampleText(sample, paint, nowMs)),
  ].join("\n");
}

function summary(answer: BacktestAnswer): string[] {
  const { examined, matched, alreadyDone, unknown, notRouted, truncated, endedAt } = answer;
  const lines = [`${matched} of ${countText(examined, "event")} would have matched.`];
  if (alreadyDone > 0) lines.push(`${alreadyDone} of these had done so already.`);
  if (unknown > 0) lines.push(`${countText(unknown, "event")} cannot be judged: retention has taken the data.`);
  if (notRouted > 0) lines.push(`${countText(notRouted, "event")} cannot be had: rejected, or of another project.`);
  if (endedAt) lines.push(`There are more; it ended at those of ${endedAt}: choose fewer --hours.`);
  else if (truncated) lines.push("There are more types than are looked at together: choose a longer prefix.");
  return lines;
}

function histogram({ hours }: BacktestAnswer, paint: Paint, nowMs: number): string[] {
  const most = Math.max(1, ...hours.map(({ examined }) => examined));
  return hours.map(({ hour, examined, matched }) => {
    const width = (count: number) => Math.ceil((count / most) * barWidth);
    const bar = "█".repeat(width(matched));
    const rest = "░".repeat(Math.max(0, width(examined) - width(matched)));
    return `  ${clockText(hour, nowMs)}  ${paint("green", bar)}${rest} ${matched}/${examined}`;
  });
}

function sampleText(sample: BacktestAnswer["samples"][number], paint: Paint, nowMs: number): string {
  const { event, key, receivedAt, matched, reason, made } = sample;
  const sign = matched ? paint("green", "✓") : paint("yellow", "✗");
  const head = `  ${sign} ${clockText(receivedAt, nowMs)}  ${event.type}  ${paint("dim", key)}`;
  if (made) return `${head}\n      ${made.type} ${JSON.stringify(made.data ?? null)}`;
  return reason ? `${head}\n      ${reason}` : head;
}
