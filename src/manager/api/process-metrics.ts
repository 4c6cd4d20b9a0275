import type { FastifyInstance } from "fastify";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { Figure } from "../../metrics/figure.ts";

/** What `/metrics` of any process shows, in the Prometheus text format: the process, its requests, its figures. */
export class ProcessMetrics {
  readonly #registry = new Registry();
  readonly #figures: Figure[] = [];

  constructor(figures: readonly Figure[]) {
    collectDefaultMetrics({ register: this.#registry });
    this.add(figures);
  }

  /** Those that are measured now and then and kept. */
  get kept(): readonly Figure[] {
    return this.#figures.filter(({ isKept }) => isKept);
  }

  add(figures: readonly Figure[]): void {
    for (const figure of figures) this.#show(figure);
    this.#figures.push(...figures);
  }

  /** Before the routes whose requests are timed. */
  watch(app: FastifyInstance): void {
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
  }

  /** Needs the token: the numbers tell what a business does. */
  route(app: FastifyInstance): void {
    const schema = { tags: ["operations"], summary: "Metrics in the Prometheus text format" };
    app.get("/metrics", { config: { access: "administrator" }, schema }, async (_request, reply) => {
      reply.type(this.#registry.contentType);
      return this.#registry.metrics();
    });
  }

  #show({ name, help, kind, labelNames = [], read }: Figure): void {
    const options = { name, help, labelNames, registers: [this.#registry] };
    if (kind === "gauge") {
      new Gauge({
        ...options,
        async collect() {
          const measured = await read();
          this.reset();
          for (const { labels = {}, value } of measured) this.labels(labels).set(value);
        },
      });
    } else {
      new Counter({
        ...options,
        async collect() {
          const measured = await read();
          this.reset();
          for (const { labels = {}, value } of measured) this.labels(labels).inc(value);
        },
      });
    }
  }
}
