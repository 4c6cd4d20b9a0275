import type { FastifyInstance } from "fastify";
import type { Clock } from "../../foundation/clock.ts";
import type { ApiParts } from "./api-parts.ts";
import { createServer, type ServerParts } from "./guarded-server.ts";
import { healthRoutes } from "./health.ts";
import type { ProcessMetrics } from "./process-metrics.ts";
import type { ProbedStores } from "./store-states.ts";

/** What a process without the API answers: whether it lives, whether it is ready, and its metrics. */
export async function createOperations(
  parts: ServerParts & Pick<ApiParts, "health"> & { stores: ProbedStores; clock: Clock; metrics: ProcessMetrics },
): Promise<FastifyInstance> {
  const app = createServer(parts);
  parts.metrics.watch(app);
  healthRoutes(app, parts);
  parts.metrics.route(app);
  await app.ready();
  return app;
}
