import type { FastifyInstance } from "fastify";
import { collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

/** A number of this process, read when it is asked for. */
export interface Figure {
  name: string;
  help: string;
  value(): number;
}

/** What `/metrics` of any process shows, in the Prometheus text format: the process, its requests, its figures. */
export class ProcessMetrics {
  readonly registry = new Registry();

  constructor(app: FastifyInstance, figures: readonly Figure[]) {
    collectDefaultMetrics({ register: this.registry });
    this.#requests(app);
    for (const { name, help, value } of figures) this.gauge(name, help, [], (gauge) => gauge.set(value()));
  }

  /** Needs the token: the numbers tell what a business does. */
  route(app: FastifyInstance): void {
    const schema = { tags: ["operations"], summary: "Metrics in the Prometheus text format" };
    app.get("/metrics", { config: { access: "administrator" }, schema }, async (_request, reply) => {
      reply.type(this.registry.contentType);
      return this.registry.metrics();
    });
  }

  gauge(name: string, help: string, labelNames: string[], collect: (gauge: Gauge) => void | Promise<void>): Gauge {
    return new Gauge({
      name,
      help,
      labelNames,
      registers: [this.registry],
      collect() {
        return collect(this);
      },
    });
  }

  #requests(app: FastifyInstance): void {
    const duration = new Histogram({
      name: "fx_http_request_duration_seconds",
      help: "Time to the end of the answer",
      labelNames: ["method", "route", "status"],
      buckets: [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10],
      registers: [this.registry],
    });
    app.addHook("onResponse", (request, reply, done) => {
      const route = request.is404 ? "none" : (request.routeOptions.url ?? "none");
      duration.labels(request.method, route, String(reply.statusCode)).observe(reply.elapsedTime / 1000);
      done();
    });
  }
}
