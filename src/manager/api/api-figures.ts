import { type Execution, executionStatuses, isTerminal } from "../../executions/execution.ts";
import type { Figure, Measured } from "../../metrics/figure.ts";
import type { ApiParts } from "./api-parts.ts";
import type { EventIntake } from "./event-intake.ts";
import type { EventStreams } from "./event-stream.ts";
import { accounts } from "./ledger.ts";

/** Finished executions that the shown durations are taken from. */
const durationSample = 500;
const outcomes = ["matched", "unmatched", "duplicate", "rejected", "counted"] as const;

type Parts = Pick<ApiParts, "catalog" | "bus"> & { intake: EventIntake; streams: EventStreams };

/** What `/metrics` of the API shows beside the process itself. Numbers of the stores are read when they are asked for. */
export function apiFigures(parts: Parts): Figure[] {
  const { intake, streams } = parts;
  return [
    {
      name: "fx_http_event_streams",
      help: "Open server-sent event streams",
      kind: "gauge",
      isKept: true,
      read: () => [{ value: streams.openCount }],
    },
    {
      name: "fx_events_accepted_total",
      help: "Events accepted over HTTP by this process",
      kind: "counter",
      isKept: true,
      read: () => [{ value: intake.acceptedCount }],
    },
    ...eventFigures(parts),
    ...executionFigures(parts),
  ];
}

function eventFigures(parts: Parts): Figure[] {
  return [
    {
      name: "fx_bus_lag_events",
      help: "Events accepted and not routed yet",
      kind: "gauge",
      labelNames: ["topic"],
      isShared: true,
      isKept: true,
      read: async () => {
        const byTopic = new Map<string, number>();
        for (const { topic, pending } of await accounts(parts)) {
          byTopic.set(topic, (byTopic.get(topic) ?? 0) + pending);
        }
        return [...byTopic].map(([topic, value]) => ({ labels: { topic }, value }));
      },
    },
    {
      name: "fx_events_routed",
      help: "Events routed since the beginning",
      kind: "gauge",
      labelNames: ["topic", "outcome"],
      isKept: false,
      read: async () => {
        const sums = new Map<string, Required<Measured>>();
        for (const account of await accounts(parts)) {
          for (const outcome of outcomes) {
            const { topic } = account;
            const key = `${topic} ${outcome}`;
            sums.set(key, {
              labels: { topic, outcome },
              value: (sums.get(key)?.value ?? 0) + account[outcome],
            });
          }
        }
        return [...sums.values()];
      },
    },
  ];
}

function executionFigures({ catalog }: Parts): Figure[] {
  const countOf = async (statuses: readonly Execution["status"][]) => {
    const counts: Measured[] = [];
    for (const status of statuses) {
      counts.push({ labels: { status }, value: await catalog.executions.count({ status: [status] }) });
    }
    return counts;
  };
  return [
    {
      name: "fx_executions",
      help: "Executions by status, counted up to 100,000 each",
      kind: "gauge",
      labelNames: ["status"],
      isKept: false,
      read: () => countOf(executionStatuses),
    },
    {
      name: "fx_executions_unfinished",
      help: "Executions that have not ended, by status, counted up to 100,000 each",
      kind: "gauge",
      labelNames: ["status"],
      isShared: true,
      isKept: true,
      read: () => countOf(executionStatuses.filter((status) => !isTerminal(status))),
    },
    {
      name: "fx_execution_duration_seconds",
      help: `From start to end, of the latest ${durationSample} finished executions`,
      kind: "gauge",
      labelNames: ["quantile"],
      isKept: false,
      read: async () => {
        const filter = { status: ["completed", "failed"] as const };
        const { items } = await catalog.executions.list(filter, { limit: durationSample });
        // A replay is an experiment of somebody's, at low priority.
        const live = items.filter(({ trigger }) => trigger !== "replay");
        const seconds = live.map(secondsOf).filter((value) => value !== undefined);
        seconds.sort((left, right) => left - right);
        return [0.5, 0.99].flatMap((quantile) => {
          const value = seconds[Math.min(seconds.length - 1, Math.floor(seconds.length * quantile))];
          return value === undefined ? [] : [{ labels: { quantile: String(quantile) }, value }];
        });
      },
    },
  ];
}

function secondsOf(execution: Execution): number | undefined {
  if (!("finishedAt" in execution) || !("startedAt" in execution) || execution.startedAt === undefined)
    return undefined;
  return (execution.finishedAt - execution.startedAt) / 1000;
}
