import type { ExecutionAnswer } from "../connection/wire.ts";
import { type Paint, paintStatus } from "../terminal/style.ts";
import { countText, durationText, elapsedMs } from "../terminal/times.ts";
import { countStatuses, type EventNode } from "./flow-tree.ts";
import { type DrawnEvent, type DrawnExecution, type FoldedEvents, foldTree } from "./fold-tree.ts";

export interface DrawOptions {
  paint: Paint;
  /** Last lines of an execution's output, by its id. */
  outputs: ReadonlyMap<string, readonly string[]>;
  /** Draws every event, also the fiftieth of a kind. */
  everything: boolean;
}

/** An event is a diamond, a service a block. Times are counted from the flow's first event. */
export function drawTree(roots: readonly EventNode[], options: DrawOptions): string {
  const start = roots[0]?.event.receivedAt ?? undefined;
  const drawing = new Drawing(options, start);
  for (const root of foldTree(roots, options.everything)) drawing.event(root, "", "");
  return drawing.lines.join("\n");
}

/** The ids of the executions that a drawing shows. */
export function drawnExecutions(roots: readonly EventNode[], everything: boolean): string[] {
  const ofEvent = (event: DrawnEvent): string[] => [
    ...event.executions.flatMap(ofExecution),
    ...event.mapped.flatMap(ofEvent),
  ];
  const ofExecution = ({ node, events }: DrawnExecution): string[] => [
    node.execution.id,
    ...events.flatMap((event) => ("folded" in event ? [] : ofEvent(event))),
  ];
  return foldTree(roots, everything).flatMap(ofEvent);
}

class Drawing {
  readonly lines: string[] = [];
  readonly #options: DrawOptions;
  readonly #start: string | undefined;

  constructor(options: DrawOptions, start: string | undefined) {
    this.#options = options;
    this.#start = start;
  }

  event({ node, executions, mapped }: DrawnEvent, first: string, rest: string): void {
    const { paint } = this.#options;
    const { event, outcome, reason, receivedAt } = node.event;
    const subject = event.subject ? `  ${event.subject}` : "";
    const told = outcome === "matched" ? "" : `  ${paintStatus(paint, outcome)}${reason ? `: ${reason}` : ""}`;
    const mapping = event.fxmapping === undefined ? "" : paint("dim", "  mapped");
    this.lines.push(`${first}◆ ${paint("bold", event.type)}${mapping}${subject}${this.#at(receivedAt)}${told}`);
    this.#children([...executions, ...mapped], rest, (child, ...prefix) => {
      if ("executions" in child) this.event(child, ...prefix);
      else this.execution(child, ...prefix);
    });
  }

  execution({ node, events }: DrawnExecution, first: string, rest: string): void {
    const { paint, outputs } = this.#options;
    const { execution } = node;
    const { project, service, status, id, retryOf } = execution;
    const again = retryOf ? "  (retried by hand)" : "";
    const took = tookText(execution);
    const place = paint("dim", id);
    this.lines.push(`${first}■ ${project}/${service}  ${paintStatus(paint, status)}${took}${again}  ${place}`);
    const bar = events.length > 0 ? "│ " : "  ";
    if (execution.reason) this.lines.push(`${rest}${bar}${paint("dim", firstLine(execution.reason))}`);
    if (execution.error) this.lines.push(`${rest}${bar}${paint("red", firstLine(execution.error.message))}`);
    for (const line of outputs.get(id) ?? []) this.lines.push(`${rest}${bar}${paint("dim", line)}`);
    this.#children(events, rest, (event, ...prefix) => {
      if ("folded" in event) this.#folded(event, prefix[0]);
      else this.event(event, ...prefix);
    });
  }

  #folded({ folded, type }: FoldedEvents, first: string): void {
    const { paint } = this.#options;
    const counts = [...countStatuses(folded)].map(([status, count]) => `${count} ${paintStatus(paint, status)}`);
    const below = counts.length > 0 ? `; executions below them: ${counts.join(", ")}` : "";
    this.lines.push(`${first}◆ ${countText(folded.length, "more event")} ${paint("bold", type)}${below}`);
  }

  #children<Item>(items: readonly Item[], rest: string, draw: (item: Item, first: string, rest: string) => void): void {
    items.forEach((item, index) => {
      const last = index === items.length - 1;
      draw(item, `${rest}${last ? "└─ " : "├─ "}`, `${rest}${last ? "   " : "│  "}`);
    });
  }

  #at(time: string | null | undefined): string {
    const ms = elapsedMs(this.#start, time);
    return ms === undefined || ms === 0 ? "" : this.#options.paint("dim", `  +${durationText(ms)}`);
  }
}

function tookText({ startedAt, finishedAt, attempt }: ExecutionAnswer): string {
  const ms = elapsedMs(startedAt, finishedAt);
  const attempts = attempt > 1 ? `, attempt ${attempt}` : "";
  return ms === undefined ? attempts : `  ${durationText(ms)}${attempts}`;
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? "";
}
