import type { FastifyInstance } from "fastify";
import type { Clock } from "../../foundation/clock.ts";
import { createServer, type ServerParts } from "./guarded-server.ts";
import { healthRoutes, type ProbedStores } from "./health.ts";
import { type Figure, ProcessMetrics } from "./process-metrics.ts";

/** What a process without the API answers: whether it lives, whether it is ready, and its metrics. */
export async function createOperations(
  parts: ServerParts & { stores: ProbedStores; clock: Clock; figures: readonly Figure[] },
): Promise<FastifyInstance> {
  const app = createServer(parts);
  const metrics = new ProcessMetrics(app, parts.figures);
  healthRoutes(app, parts);
  metrics.route(app);
  await app.ready();
  return app;
}
