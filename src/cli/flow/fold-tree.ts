import type { EventNode, ExecutionNode } from "./flow-tree.ts";
import { countStatuses } from "./flow-tree.ts";

/** A tree with its repetitions folded: what is drawn. */
export interface DrawnEvent {
  node: EventNode;
  executions: DrawnExecution[];
  mapped: DrawnEvent[];
}

export interface DrawnExecution {
  node: ExecutionNode;
  events: (DrawnEvent | FoldedEvents)[];
}

/** Events of one type that one execution emitted beyond those drawn. */
export interface FoldedEvents {
  folded: EventNode[];
  type: string;
}

/** Past this many of one type under one execution, only the first and those with failures are drawn. */
const foldFrom = 4;

export function foldTree(nodes: readonly EventNode[], everything: boolean): DrawnEvent[] {
  return nodes.map((node) => ({
    node,
    executions: node.executions.map((execution) => ({
      node: execution,
      events: foldEvents(execution.events, everything),
    })),
    mapped: foldTree(node.mapped, everything),
  }));
}

function foldEvents(events: readonly EventNode[], everything: boolean): (DrawnEvent | FoldedEvents)[] {
  const byType = Map.groupBy(events, ({ event }) => event.event.type);
  return [...byType].flatMap(([type, same]): (DrawnEvent | FoldedEvents)[] => {
    if (everything || same.length < foldFrom) return foldTree(same, everything);
    // The one that went furthest stands for the others: where a chain joins, only the last one goes on.
    const furthest = same.reduce((best, node) => (depthOf(node) > depthOf(best) ? node : best));
    const shown = new Set([furthest, ...same.filter(hasFailure).slice(0, 3)]);
    const folded = same.filter((node) => !shown.has(node));
    return [
      ...foldTree(
        same.filter((node) => shown.has(node)),
        everything,
      ),
      { folded, type },
    ];
  });
}

function depthOf(node: EventNode): number {
  const below = [...node.executions.flatMap(({ events }) => events), ...node.mapped].map(depthOf);
  return (node.executions.length > 0 ? 1 : 0) + Math.max(0, ...below.map((depth) => depth + 1));
}

function hasFailure(node: EventNode): boolean {
  return node.event.outcome === "rejected" || countStatuses([node]).has("failed");
}
