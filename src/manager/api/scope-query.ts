import type { Catalog } from "../../catalog/catalog.ts";
import { PlatformError } from "../../foundation/errors.ts";
import { isValidKey, keyRule, parseScope, type Scope, scopeRule } from "../../services/scope.ts";
import { required } from "./required.ts";
import { unknownService } from "./unknown-service.ts";

/** Reads a scope; throws `invalid-input`, or `not-found` for a project or service that is not there. */
export async function requireScope(catalog: Catalog, text: string): Promise<Scope> {
  const scope = parseScope(text);
  if (scope === undefined) throw new PlatformError("invalid-input", `scope ${JSON.stringify(text)} ${scopeRule}`);
  if (scope.kind === "service") {
    const { project, service } = scope;
    required(await catalog.services.get(project, service), unknownService(project, service));
  }
  if (scope.kind === "project") {
    required(await catalog.projects.get(scope.project), `there is no project ${scope.project}`);
  }
  return scope;
}

export function requireKey(key: string): string {
  if (isValidKey(key)) return key;
  throw new PlatformError("invalid-input", `${JSON.stringify(key)} is no key: it ${keyRule}`);
}

/** The version that the header If-Match asks for; undefined without one. 0: there must be no value. */
export function versionOfIfMatch(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const version = /^"?(\d{1,15})"?$/.exec(header.trim())?.[1];
  if (version !== undefined) return Number(version);
  throw new PlatformError("invalid-input", `If-Match must be a version such as "3", not ${header}; "0": there is none`);
}
