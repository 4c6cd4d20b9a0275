import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { PlatformError } from "../../foundation/errors.ts";
import { HttpRefusal } from "./problem-document.ts";

/** Tells an address that is not there (404) from a method that its address does not take (405, with `Allow`). */
export function answerUnknownRoutes(app: FastifyInstance): void {
  const methodsOf = new Map<string, { pattern: RegExp; methods: Set<string> }>();
  app.addHook("onRoute", ({ url, method }) => {
    const known = methodsOf.get(url) ?? { pattern: patternOf(url), methods: new Set() };
    for (const one of [method].flat()) known.methods.add(one);
    methodsOf.set(url, known);
  });
  app.setNotFoundHandler((request: FastifyRequest, reply: FastifyReply) => {
    const path = request.url.split("?", 1)[0] ?? "";
    const allowed = [...methodsOf.values()].filter(({ pattern }) => pattern.test(path));
    if (allowed.length === 0) {
      throw new PlatformError("not-found", `there is no ${request.method} ${path}: the API is described at /api/docs`);
    }
    const methods = [...new Set(allowed.flatMap((route) => [...route.methods]))].sort().join(", ");
    reply.header("allow", methods);
    throw new HttpRefusal(405, "invalid-input", `${path} does not take ${request.method}: it takes ${methods}`);
  });
}

function patternOf(url: string): RegExp {
  const parts = url.split("/").map((part) => {
    if (part.startsWith(":")) return "[^/]+";
    return part === "*" ? ".*" : RegExp.escape(part);
  });
  return new RegExp(`^${parts.join("/")}/?$`);
}
