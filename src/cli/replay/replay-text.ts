import type { InspectColor } from "node:util";
import type { ReplayDetail, ReplayEntry, ReplayedEvent, ReplayVerdict } from "../connection/wire.ts";
import { safe } from "../terminal/safe.ts";
import type { Paint } from "../terminal/style.ts";
import { tableText } from "../terminal/table.ts";
import { durationText } from "../terminal/times.ts";
import { shownVersionLength } from "../whole-version.ts";

const colours: Record<ReplayVerdict, InspectColor> = {
  same: "green",
  fixed: "green",
  differs: "yellow",
  "failed-now": "red",
  "not-replayable": "magenta",
  running: "cyan",
};

/** A table of verdicts, then of each execution that differs what does. */
export function replayText(replay: ReplayDetail, paint: Paint): string {
  const table = tableText(
    replay.entries,
    [
      { title: "service", of: ({ project, service }) => `${project}/${service}` },
      { title: "verdict", of: ({ verdict }) => paint(colours[verdict], verdict) },
      { title: "version", of: versionsText },
      { title: "status", of: (entry) => arrow(entry.original?.status, entry.replay?.status) },
      { title: "took", of: (entry) => arrow(tookText(entry.original), tookText(entry.replay)) },
    ],
    paint,
  );
  return [table, ...replay.entries.flatMap((entry) => detailLines(entry, paint)), summaryText(replay)].join("\n");
}

function summaryText({ summary }: ReplayDetail): string {
  const told = Object.entries(summary).filter(([, count]) => count > 0);
  return told.map(([verdict, count]) => `${count} ${verdict}`).join(", ");
}

function versionsText({ original, replay }: ReplayEntry): string {
  return arrow(original?.version.slice(0, shownVersionLength), replay?.version.slice(0, shownVersionLength));
}

function tookText(side: ReplayEntry["original"]): string | undefined {
  return typeof side?.durationMs === "number" ? durationText(side.durationMs) : undefined;
}

function arrow(before: string | undefined, after: string | undefined): string {
  if (after === undefined || before === after) return before ?? "";
  return `${before ?? "none"} → ${after}`;
}

function detailLines(entry: ReplayEntry, paint: Paint): string[] {
  const { verdict, reason, replay, output, emitted } = entry;
  if (verdict === "same" || verdict === "running") return [];
  const error = replay?.error ? [paint("red", `  ${safe(replay.error.split("\n", 1)[0] ?? "")}`)] : [];
  return [
    "",
    paint("bold", `■ ${entry.project}/${entry.service}  ${verdict}${reason ? `: ${reason}` : ""}`),
    ...error,
    ...output.flatMap((step) => outputLines(step, paint)),
    ...emittedLines(emitted, paint),
  ];
}

function outputLines({ n, script, same, diff, truncated }: ReplayEntry["output"][number], paint: Paint): string[] {
  if (same) return [];
  const lines = (diff ?? "").split("\n").filter((line) => line !== "");
  const cut = truncated ? [paint("dim", "    … the rest differs as well, or is not compared")] : [];
  return [`  output of step ${n}, ${script}`, ...lines.map((line) => `    ${diffLine(line, paint)}`), ...cut];
}

function diffLine(line: string, paint: Paint): string {
  const text = safe(line);
  if (line.startsWith("+")) return paint("green", text);
  return line.startsWith("-") ? paint("red", text) : paint("dim", text);
}

function emittedLines({ removed, added, changed }: ReplayEntry["emitted"], paint: Paint): string[] {
  return [
    ...removed.map((event) => paint("red", `  - ${eventText(event)}`)),
    ...added.map((event) => paint("green", `  + ${eventText(event)}`)),
    ...changed.flatMap(({ event, changes }) => [
      paint("yellow", `  ~ ${eventText(event)}`),
      ...changes.map(({ path, before, after }) => `    ${safe(path)}: ${valueText(before)} → ${valueText(after)}`),
    ]),
  ];
}

function eventText({ type, subject, data }: ReplayedEvent): string {
  const about = subject ? ` of ${subject}` : "";
  return safe(`${type}${about}${data === undefined ? "" : `  ${valueText(data)}`}`);
}

function valueText(value: unknown): string {
  return value === undefined ? "nothing" : safe(JSON.stringify(value));
}
