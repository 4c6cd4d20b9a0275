import type { FastifyInstance, RouteOptions } from "fastify";
import { InvariantError } from "../../foundation/assert.ts";

/** Who may call a route. Roles join this union; every route names one member. */
export type Access = "anyone" | "administrator";

declare module "fastify" {
  interface FastifyContextConfig {
    access?: Access;
  }
}

/** Deny by default: the server does not start with a route that does not say who may call it. */
export function requireDeclaredAccess(app: FastifyInstance): void {
  const routes: RouteOptions[] = [];
  app.addHook("onRoute", (route) => void routes.push(route));
  app.addHook("onReady", async () => {
    const silent = routes.filter(({ config }) => config?.access === undefined);
    if (silent.length === 0) return;
    const names = silent.map(({ method, url }) => `${String(method)} ${url}`).join(", ");
    throw new InvariantError(`routes without config.access, which says who may call them: ${names}`);
  });
}
