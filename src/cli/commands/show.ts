import type { Command } from "commander";
import type { ExecutionDetail, StepAnswer } from "../connection/wire.ts";
import { type Session, withSession } from "../session.ts";
import { wholeNumber } from "../terminal/read-options.ts";
import { safe } from "../terminal/safe.ts";
import { type Paint, paintStatus } from "../terminal/style.ts";
import { clockText, durationText, elapsedMs, sizeText } from "../terminal/times.ts";

interface ShowOptions {
  output?: number;
}

export function defineShow(program: Command): Command {
  return program
    .command("show")
    .description("one execution: what started it, its steps with their output, and what it emitted")
    .argument("<execution>", "its id")
    .option("--output <step>", "only the whole output of this step, as it was written", wholeNumber(1, 100_000))
    .action(withSession(show));
}

async function show({ api, terminal }: Session, id: string, options: ShowOptions): Promise<void> {
  const path = `/api/v1/executions/${encodeURIComponent(id)}`;
  if (options.output !== undefined) {
    for await (const chunk of await api.bytes(`${path}/steps/${options.output}/output`)) terminal.raw(chunk);
    return;
  }
  const detail = await api.get<ExecutionDetail>(path);
  await terminal.one(detail, () => executionText(detail, terminal.paint));
  const last = detail.retries?.at(-1);
  if (last !== undefined) terminal.next(`fx show ${last.id}`);
  else if (detail.status === "failed") terminal.next(`fx retry ${id}`);
  else terminal.next(`fx flow ${detail.correlationId}`);
}

export function executionText(detail: ExecutionDetail, paint: Paint): string {
  const took = elapsedMs(detail.startedAt, detail.finishedAt);
  const moved = detail.movedFrom ? `, moved from ${detail.movedFrom}` : "";
  const lane = detail.lane === "regular" && moved === "" ? "" : `, ${detail.lane} lane${moved}`;
  const facts: [string, string | undefined][] = [
    ["execution", detail.id],
    ["status", `${paintStatus(paint, detail.status)}${took === undefined ? "" : ` after ${durationText(took)}`}`],
    ["reason", detail.reason ? safe(detail.reason) : undefined],
    ["error", detail.error ? paint("red", safe(detail.error.message.split("\n", 1)[0] ?? "")) : undefined],
    [
      "started by",
      `${detail.eventType}, event ${detail.eventKey}${detail.trigger === "event" ? "" : ` (${detail.trigger})`}`,
    ],
    ["version", detail.version],
    ["created", clockText(detail.createdAt, Date.now())],
    ["attempt", `${detail.attempt}${detail.losses > 0 ? `, ${detail.losses} lost to the platform` : ""}${lane}`],
    ["waits for", waitText(detail)],
    ["retry of", detail.retryOf ?? undefined],
    ...(detail.retries ?? []).map((retry): [string, string] => [
      "retried as",
      `${retry.id}, ${paintStatus(paint, retry.status)}`,
    ]),
    ["flow", `${detail.correlationId}, step ${detail.sequence}`],
  ];
  const lines = facts.flatMap(([name, value]) =>
    value === undefined ? [] : [`  ${paint("dim", name.padEnd(12))} ${value}`],
  );
  const emitted = (detail.emitted ?? []).map(
    ({ event, outcome, reason, key }) =>
      `  ◆ ${event.type}  ${paintStatus(paint, outcome)}  ${paint("dim", key)}${outcome === "rejected" && reason ? `\n    ${safe(reason)}` : ""}`,
  );
  return [
    `■ ${paint("bold", `${detail.project}/${detail.service}`)}`,
    ...lines,
    ...detail.steps.flatMap((step) => stepLines(step, detail.attempt, paint)),
    ...(emitted.length > 0 ? [paint("bold", "emitted"), ...emitted] : []),
  ].join("\n");
}

function stepLines(step: StepAnswer, attempts: number, paint: Paint): string[] {
  const took = elapsedMs(step.startedAt, step.finishedAt);
  const ofAttempt = attempts > 1 ? ` (attempt ${step.attempt})` : "";
  const exit = step.exitCode ? `, exit code ${step.exitCode}` : "";
  const time = took === undefined ? "" : `  ${durationText(took)}`;
  const { preview, sizeBytes, truncated } = step.output;
  const shown =
    preview === ""
      ? []
      : preview
          .trimEnd()
          .split(/\r?\n/)
          .map((line) => `    ${safe(line)}`);
  const rest =
    sizeBytes > Buffer.byteLength(preview)
      ? [paint("dim", `    … ${sizeText(sizeBytes)} in all: --output ${step.n}`)]
      : [];
  const cut = truncated ? [paint("yellow", "    the script wrote more than is kept; the rest was dropped")] : [];
  const head = `step ${step.n}${ofAttempt}  ${step.script}  ${paintStatus(paint, step.status)}${exit}${time}`;
  return [paint("bold", head), ...shown, ...rest, ...cut];
}

function waitText({ waitsFor }: ExecutionDetail): string | undefined {
  if (!waitsFor) return undefined;
  const { kind, until, behind, limit } = waitsFor;
  const time = until ? clockText(until, Date.now()) : "";
  switch (kind) {
    case "time":
      return `its next attempt, not before ${time}`;
    case "key":
      return `the earlier run of its concurrency key${behind ? `: ${behind}` : ""}`;
    case "concurrency":
      return `a run of its service to end: ${limit} may run at once (concurrency)`;
    case "throttle":
      return `the throttle of its service, which opens at ${time}`;
    case "slot":
      return "a free slot of an executor";
  }
}
