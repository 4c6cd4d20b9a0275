import type { FastifyInstance } from "fastify";
import { Counter } from "prom-client";
import { type Execution, executionStatuses } from "../../executions/execution.ts";
import type { ApiParts } from "./api-parts.ts";
import type { EventIntake } from "./event-intake.ts";
import type { EventStreams } from "./event-stream.ts";
import { accounts } from "./ledger.ts";
import { ProcessMetrics } from "./process-metrics.ts";

/** Finished executions that the shown durations are taken from. */
const durationSample = 500;
const outcomes = ["matched", "unmatched", "duplicate", "rejected", "counted"] as const;

type Parts = Pick<ApiParts, "catalog" | "bus"> & { intake: EventIntake; streams: EventStreams };

/** What `/metrics` of the API shows beside the process itself. Numbers of the stores are read when they are asked for. */
export class Metrics {
  readonly #process: ProcessMetrics;

  constructor(app: FastifyInstance, parts: Parts) {
    const { streams } = parts;
    const open = {
      name: "fx_http_event_streams",
      help: "Open server-sent event streams",
      value: () => streams.openCount,
    };
    this.#process = new ProcessMetrics(app, [open]);
    this.#events(parts);
    this.#executions(parts);
  }

  route(app: FastifyInstance): void {
    this.#process.route(app);
  }

  #events({ catalog, bus, intake }: Parts): void {
    new Counter({
      name: "fx_events_accepted_total",
      help: "Events accepted over HTTP by this process",
      registers: [this.#process.registry],
      collect() {
        this.reset();
        this.inc(intake.acceptedCount);
      },
    });
    this.#process.gauge("fx_bus_lag_events", "Events accepted and not routed yet", ["topic"], async (gauge) => {
      gauge.reset();
      for (const { topic, pending } of await accounts({ catalog, bus })) gauge.labels(topic).inc(pending);
    });
    this.#process.gauge(
      "fx_events_routed",
      "Events routed since the beginning",
      ["topic", "outcome"],
      async (gauge) => {
        gauge.reset();
        for (const account of await accounts({ catalog, bus })) {
          for (const outcome of outcomes) gauge.labels(account.topic, outcome).inc(account[outcome]);
        }
      },
    );
  }

  #executions({ catalog }: Parts): void {
    this.#process.gauge(
      "fx_executions",
      "Executions by status, counted up to 100,000 each",
      ["status"],
      async (gauge) => {
        for (const status of executionStatuses) {
          gauge.labels(status).set(await catalog.executions.count({ status: [status] }));
        }
      },
    );
    const help = `From start to end, of the latest ${durationSample} finished executions`;
    this.#process.gauge("fx_execution_duration_seconds", help, ["quantile"], async (gauge) => {
      const filter = { status: ["completed", "failed"] as const };
      const { items } = await catalog.executions.list(filter, { limit: durationSample });
      // A replay is an experiment of somebody's, at low priority.
      const live = items.filter(({ trigger }) => trigger !== "replay");
      const seconds = live.map(secondsOf).filter((value) => value !== undefined);
      seconds.sort((left, right) => left - right);
      for (const quantile of [0.5, 0.99]) {
        const value = seconds[Math.min(seconds.length - 1, Math.floor(seconds.length * quantile))];
        if (value !== undefined) gauge.labels(String(quantile)).set(value);
      }
    });
  }
}

function secondsOf(execution: Execution): number | undefined {
  if (!("finishedAt" in execution) || !("startedAt" in execution) || execution.startedAt === undefined)
    return undefined;
  return (execution.finishedAt - execution.startedAt) / 1000;
}
