import Fastify, { type FastifyInstance } from "fastify";
import { serializerCompiler } from "fastify-type-provider-zod";
import { requireDeclaredAccess } from "../auth/access.ts";
import { BearerToken } from "../auth/bearer-token.ts";
import { RequestGuard } from "../auth/request-guard.ts";
import type { ApiParts } from "./api-parts.ts";
import { takeJsonBodies } from "./json-body.ts";
import { answerUnknownRoutes } from "./not-found.ts";
import { sendProblem } from "./problem-document.ts";
import { validateRequest } from "./validate-request.ts";

export type ServerParts = Pick<ApiParts, "log" | "settings" | "token">;

/** A server without routes: it refuses what no route takes, and every call without the token of what is not declared open. */
export function createServer({ log, settings, token }: ServerParts): FastifyInstance {
  const app = Fastify({
    logger: false,
    bodyLimit: settings.limits.bodyBytes,
    // Keys of services and events are longer than the router's own limit of 100.
    routerOptions: { maxParamLength: 2048 },
    forceCloseConnections: "idle",
    // A whole request, the upload of a package on a slow line included.
    requestTimeout: 300_000,
    // Refusals from before a route is found, such as an address that cannot be decoded.
    frameworkErrors: (error, request, reply) => void sendProblem(error, request, reply, log),
  });
  // A body is JSON unless a route says otherwise; as text it would only be refused later, and less clearly.
  app.removeContentTypeParser("text/plain");
  takeJsonBodies(app);
  app.setValidatorCompiler(validateRequest);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler((error, request, reply) => sendProblem(error, request, reply, log));
  answerUnknownRoutes(app);
  requireDeclaredAccess(app);
  guardRequests(app, new RequestGuard(settings), new BearerToken(token));
  return app;
}

function guardRequests(app: FastifyInstance, guard: RequestGuard, bearer: BearerToken): void {
  app.addHook("onRequest", (request, reply, done) => {
    reply.header("x-content-type-options", "nosniff");
    reply.header("cache-control", "no-store");
    reply.header("referrer-policy", "no-referrer");
    try {
      guard.check(request.raw);
      // A route that is not there is nobody's secret; all others are denied unless they are declared open.
      if (!request.is404 && request.routeOptions.config.access !== "anyone")
        bearer.check(request.headers.authorization);
      done();
    } catch (error) {
      done(error as Error);
    }
  });
}
