import type { EventAnswer, ExecutionAnswer } from "../connection/wire.ts";

/** Events and executions of one flow, as the API lists them. */
export interface FlowParts {
  events: readonly EventAnswer[];
  executions: readonly ExecutionAnswer[];
  /** The flow has more than an answer may hold. */
  truncated?: boolean;
}

export interface EventNode {
  event: EventAnswer;
  executions: ExecutionNode[];
  /** What mappings made of it. */
  mapped: EventNode[];
}

export interface ExecutionNode {
  execution: ExecutionAnswer;
  events: EventNode[];
}

/**
 * The tree: under an event the executions that it started and what mappings made of it, under an execution the events that it
 * emitted. An event whose execution is not in the flow (the flow was begun by hand, or its beginning is past
 * retention) stands at the root; so does the made-up event of executions whose own is missing.
 */
export function buildFlowTree({ events, executions }: FlowParts): EventNode[] {
  const executionNodes = new Map(
    executions.map((execution) => [execution.id, { execution, events: [] as EventNode[] }]),
  );
  const eventNodes = new Map(
    events.map((event) => [event.key, { event, executions: [] as ExecutionNode[], mapped: [] as EventNode[] }]),
  );
  const roots: EventNode[] = [];
  for (const node of eventNodes.values()) {
    const emitter = executionNodes.get(node.event.event.fxexecution ?? "");
    const source = eventNodes.get(node.event.event.fxmappedfrom ?? "");
    if (emitter) emitter.events.push(node);
    else if (source) source.mapped.push(node);
    else roots.push(node);
  }
  for (const node of executionNodes.values()) {
    const trigger = eventNodes.get(node.execution.eventKey) ?? missingTrigger(node.execution, roots, eventNodes);
    trigger.executions.push(node);
  }
  for (const node of executionNodes.values()) node.events.sort(byReceipt);
  return roots.sort(byReceipt);
}

function missingTrigger(execution: ExecutionAnswer, roots: EventNode[], known: Map<string, EventNode>): EventNode {
  const { eventKey, eventId, eventSource, eventType, correlationId } = execution;
  const node: EventNode = {
    event: {
      key: eventKey,
      event: { specversion: "1.0", id: eventId, source: eventSource, type: eventType, correlationid: correlationId },
      outcome: "pending",
      links: [],
      receivedAt: execution.createdAt,
    },
    executions: [],
    mapped: [],
  };
  roots.push(node);
  known.set(eventKey, node);
  return node;
}

function byReceipt(left: EventNode, right: EventNode): number {
  return Date.parse(left.event.receivedAt ?? "") - Date.parse(right.event.receivedAt ?? "") || 0;
}

/** How often each status occurs among the executions at and below a node. */
export function countStatuses(nodes: readonly EventNode[]): Map<string, number> {
  const counts = new Map<string, number>();
  const visit = (node: EventNode): void => {
    for (const { execution, events } of node.executions) {
      counts.set(execution.status, (counts.get(execution.status) ?? 0) + 1);
      events.forEach(visit);
    }
    node.mapped.forEach(visit);
  };
  nodes.forEach(visit);
  return counts;
}
