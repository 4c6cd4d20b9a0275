import type { FastifyInstance } from "fastify";
import { PlatformError } from "../../foundation/errors.ts";

/**
 * Bodies of JSON. Keys that would reach past the object that holds them are refused by name:
 * "not valid JSON", as the parser itself would say, sends people looking for a comma.
 */
export function takeJsonBodies(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser("error", "error");
  app.addContentTypeParser("application/json", { parseAs: "string" }, (request, text: string, done) =>
    parse(request, text, (error, body) => {
      const path = error ? poisonedPath(text) : undefined;
      done(path === undefined ? error : refusedKey(path), body);
    }),
  );
}

function refusedKey(path: string): PlatformError {
  const message = "is refused as a key of an object: rename it";
  return new PlatformError("invalid-input", `the request is not valid: ${path}: ${message}`, {
    problems: [{ path, message }],
  });
}

/** Where the text, if it is JSON, has a key that the parser refuses. */
function poisonedPath(text: string): string | undefined {
  let root: unknown;
  try {
    root = JSON.parse(text);
  } catch {
    return undefined;
  }
  const open = [{ path: "body", value: root }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { path, value } = next;
    if (typeof value !== "object" || value === null) continue;
    if (Object.hasOwn(value, "__proto__")) return `${path}.__proto__`;
    const holder = Object.hasOwn(value, "constructor") ? (value as { constructor: unknown }).constructor : undefined;
    if (typeof holder === "object" && holder !== null && Object.hasOwn(holder, "prototype"))
      return `${path}.constructor.prototype`;
    for (const [key, inner] of Object.entries(value)) open.push({ path: `${path}.${key}`, value: inner });
  }
  return undefined;
}
