import type { FastifyInstance } from "fastify";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { type Execution, executionStatuses } from "../../executions/execution.ts";
import type { ApiParts } from "./api-parts.ts";
import type { EventIntake } from "./event-intake.ts";
import type { EventStreams } from "./event-stream.ts";
import { accounts } from "./ledger.ts";

/** Finished executions that the shown durations are taken from. */
const durationSample = 500;
const outcomes = ["matched", "unmatched", "duplicate", "rejected", "counted"] as const;

type Parts = Pick<ApiParts, "catalog" | "bus"> & { intake: EventIntake; streams: EventStreams };

/** What `/metrics` shows, in the Prometheus text format. Numbers of the stores are read when they are asked for. */
export class Metrics {
  readonly #registry = new Registry();

  constructor(app: FastifyInstance, parts: Parts) {
    collectDefaultMetrics({ register: this.#registry });
    this.#http(app, parts);
    this.#events(parts);
    this.#executions(parts);
  }

  /** Needs the token: the numbers tell what a business does. */
  route(app: FastifyInstance): void {
    const schema = { tags: ["operations"], summary: "Metrics in the Prometheus text format" };
    app.get("/metrics", { config: { access: "administrator" }, schema }, async (_request, reply) => {
      reply.type(this.#registry.contentType);
      return this.#registry.metrics();
    });
  }

  #http(app: FastifyInstance, { streams }: Parts): void {
    const duration = new Histogram({
      name: "fx_http_request_duration_seconds",
      help: "Time to the end of the answer",
      labelNames: ["method", "route", "status"],
      buckets: [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10],
      registers: [this.#registry],
    });
    app.addHook("onResponse", (request, reply, done) => {
      const route = request.is404 ? "none" : (request.routeOptions.url ?? "none");
      duration.labels(request.method, route, String(reply.statusCode)).observe(reply.elapsedTime / 1000);
      done();
    });
    this.#gauge("fx_http_event_streams", "Open server-sent event streams", [], (gauge) => gauge.set(streams.openCount));
  }

  #events({ catalog, bus, intake }: Parts): void {
    new Counter({
      name: "fx_events_accepted_total",
      help: "Events accepted over HTTP by this process",
      registers: [this.#registry],
      collect() {
        this.reset();
        this.inc(intake.acceptedCount);
      },
    });
    this.#gauge("fx_bus_lag_events", "Events accepted and not routed yet", ["topic"], async (gauge) => {
      gauge.reset();
      for (const { topic, pending } of await accounts({ catalog, bus })) gauge.labels(topic).inc(pending);
    });
    this.#gauge("fx_events_routed", "Events routed since the beginning", ["topic", "outcome"], async (gauge) => {
      gauge.reset();
      for (const account of await accounts({ catalog, bus })) {
        for (const outcome of outcomes) gauge.labels(account.topic, outcome).inc(account[outcome]);
      }
    });
  }

  #executions({ catalog }: Parts): void {
    this.#gauge("fx_executions", "Executions by status, counted up to 100,000 each", ["status"], async (gauge) => {
      for (const status of executionStatuses) {
        gauge.labels(status).set(await catalog.executions.count({ status: [status] }));
      }
    });
    const help = `From start to end, of the latest ${durationSample} finished executions`;
    this.#gauge("fx_execution_duration_seconds", help, ["quantile"], async (gauge) => {
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

  #gauge(name: string, help: string, labelNames: string[], collect: (gauge: Gauge) => void | Promise<void>): Gauge {
    return new Gauge({
      name,
      help,
      labelNames,
      registers: [this.#registry],
      collect() {
        return collect(this);
      },
    });
  }
}

function secondsOf(execution: Execution): number | undefined {
  if (!("finishedAt" in execution) || !("startedAt" in execution) || execution.startedAt === undefined)
    return undefined;
  return (execution.finishedAt - execution.startedAt) / 1000;
}
