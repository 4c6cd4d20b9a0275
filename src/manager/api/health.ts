import type { FastifyInstance } from "fastify";
import type { Clock } from "../../foundation/clock.ts";
import { BearerToken } from "../auth/bearer-token.ts";
import type { ApiParts } from "./api-parts.ts";
import { HttpRefusal } from "./problem-document.ts";
import { type ProbedStores, statesOf } from "./store-states.ts";

const withheld = "does not work; with the token it is told why";

/**
 * `/healthz`: this process answers. `/readyz`: what it stands on works too. Anybody is told which part does not, and only who has the
 * token why: reasons name addresses and users.
 */
export function healthRoutes(
  app: FastifyInstance,
  { stores, clock, token, health }: { stores: ProbedStores; clock: Clock; token: string; health?: ApiParts["health"] },
): void {
  const bearer = new BearerToken(token);
  const route = { config: { access: "anyone" as const } };
  app.get("/healthz", { ...route, schema: { tags: ["operations"], summary: "Alive" } }, async () => ({
    status: "alive",
  }));
  app.get(
    "/readyz",
    { ...route, schema: { tags: ["operations"], summary: "Ready to take events, part by part" } },
    async ({ headers }) => {
      const states = { ...(await statesOf(stores, clock)), ...(await health?.()) };
      const broken = Object.entries(states).filter(([, state]) => state !== undefined);
      if (broken.length > 0) {
        const isKnown = bearer.isIn(headers.authorization);
        const problems = broken.map(([path, state]) => ({ path, message: isKnown ? (state ?? "") : withheld }));
        const text = problems.map(({ path, message }) => `${path}: ${message}`).join("; ");
        throw new HttpRefusal(503, "unavailable", `not ready: ${text}`, problems);
      }
      return { status: "ready", parts: Object.fromEntries(Object.keys(states).map((name) => [name, "well"])) };
    },
  );
}
