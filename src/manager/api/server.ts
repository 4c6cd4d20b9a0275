import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import type { FastifyInstance } from "fastify";
import { alertRuleRoutes } from "./alert-rules.ts";
import { alertTrialRoute } from "./alert-trial.ts";
import { alertRoutes } from "./alerts.ts";
import { apiFigures } from "./api-figures.ts";
import type { ApiParts } from "./api-parts.ts";
import { backtestRoute } from "./backtest.ts";
import { bucketHookRoute } from "./bucket-hook.ts";
import { bulkRoute } from "./bulk.ts";
import { configurationRoutes } from "./configuration.ts";
import { deadLetterRoutes } from "./dead-letters.ts";
import { dryRunRoute } from "./dry-run.ts";
import { EventIntake } from "./event-intake.ts";
import { eventSearchRoute } from "./event-search.ts";
import { EventStreams } from "./event-stream.ts";
import { eventTypeRoutes } from "./event-types.ts";
import { eventRoutes } from "./events.ts";
import { eventsPostRoute } from "./events-post.ts";
import { executionRoutes } from "./executions.ts";
import { flowRoute } from "./flows.ts";
import { grantRoutes } from "./grants.ts";
import { createServer } from "./guarded-server.ts";
import { healthRoutes } from "./health.ts";
import { jobRoutes } from "./jobs.ts";
import { ledgerRoutes } from "./ledger.ts";
import { linkRoutes } from "./links.ts";
import { logCountRoutes } from "./log-counts.ts";
import { logSearchRoutes } from "./log-search.ts";
import { logRoutes } from "./logs.ts";
import { mappingPreviewRoute } from "./mapping-preview.ts";
import { mappingRoutes } from "./mappings.ts";
import { metricRoutes } from "./metrics.ts";
import { describeRefusals, openApiOptions } from "./open-api.ts";
import { parametersRoute } from "./parameters.ts";
import { projectRoutes } from "./projects.ts";
import { replayRoutes } from "./replays.ts";
import { runRoute } from "./runs.ts";
import { scheduleRoutes } from "./schedules.ts";
import { schemaRoute } from "./schemas.ts";
import { secretRoutes } from "./secrets.ts";
import { serviceRoutes } from "./services.ts";
import { stateRoutes } from "./state.ts";
import { statsRoutes } from "./stats.ts";
import { stepOutputRoute } from "./step-output.ts";
import { versionRoutes } from "./versions.ts";
import { hookRoute, webhookRoutes } from "./webhooks.ts";

/** Where the API begins; health and metrics are outside. */
const apiPrefix = "/api/v1";

/** The HTTP API. It listens when it is told to; `close` ends its streams and lets requests under way end. */
export async function createApi(parts: ApiParts): Promise<FastifyInstance> {
  const { clock, log, metrics, settings } = parts;
  const app = createServer(parts);
  const closing = new AbortController();
  app.addHook("preClose", async () => closing.abort());
  const streams = new EventStreams(app, { clock, log });
  const intake = new EventIntake({ ...parts, limits: settings.limits });
  metrics.watch(app);
  metrics.add(apiFigures({ ...parts, intake, streams }));
  const inside = { ...parts, recent: intake.recent, streams, closing: closing.signal };

  await app.register(swagger, openApiOptions(parts.productVersion));
  await app.register(async (docs) => {
    // It shows how to call the API and holds no data.
    docs.addHook("onRoute", (route) => {
      route.config = { ...route.config, access: "anyone" };
    });
    await docs.register(swaggerUi, { routePrefix: "/api/docs", staticCSP: true });
  });
  await app.register(
    async (api) => {
      describeRefusals(api);
      await api.register(async (scope) => eventsPostRoute(scope, intake, settings.limits));
      eventRoutes(api, inside);
      eventTypeRoutes(api, inside);
      projectRoutes(api, inside);
      serviceRoutes(api, inside);
      configurationRoutes(api, inside);
      secretRoutes(api, inside);
      grantRoutes(api, inside);
      stateRoutes(api, inside);
      await api.register(async (scope) => versionRoutes(scope, inside));
      runRoute(api, inside);
      parametersRoute(api, inside);
      schemaRoute(api);
      linkRoutes(api, inside);
      await api.register(async (scope) => dryRunRoute(scope, inside));
      mappingRoutes(api, inside);
      mappingPreviewRoute(api, inside);
      backtestRoute(api, inside);
      executionRoutes(api, inside);
      bulkRoute(api, inside);
      stepOutputRoute(api, inside);
      scheduleRoutes(api, inside);
      jobRoutes(api, inside);
      alertRuleRoutes(api, inside);
      alertTrialRoute(api, inside);
      alertRoutes(api, inside);
      logRoutes(api, inside);
      logSearchRoutes(api, inside);
      logCountRoutes(api, inside);
      eventSearchRoute(api, inside);
      statsRoutes(api, inside);
      metricRoutes(api, inside);
      flowRoute(api, inside);
      replayRoutes(api, inside);
      webhookRoutes(api, inside);
      ledgerRoutes(api, inside);
      deadLetterRoutes(api, inside);
      api.get("/openapi.json", { config: { access: "anyone" }, schema: { hide: true } }, () => app.swagger());
    },
    { prefix: apiPrefix },
  );
  await app.register(async (scope) => hookRoute(scope, inside));
  bucketHookRoute(app, inside);
  healthRoutes(app, { ...parts, stores: parts });
  metrics.route(app);
  await app.ready();
  return app;
}
