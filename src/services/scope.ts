import { isValidName } from "./service-ref.ts";

/** Where a value of configuration or a secret belongs. A nearer scope wins over a wider one. */
export type Scope =
  | { kind: "platform" }
  | { kind: "project"; project: string }
  | { kind: "service"; project: string; service: string };

export const platformScope: Scope = { kind: "platform" };

export function serviceScope({ project, service }: { project: string; service: string }): Scope {
  return { kind: "service", project, service };
}

/** The scopes that a service sees, the nearest first. */
export function scopesOf(service: { project: string; service: string }): readonly [Scope, Scope, Scope] {
  return [serviceScope(service), { kind: "project", project: service.project }, platformScope];
}

/** `platform`, `project:NAME`, `service:PROJECT/NAME`. */
export function scopeText(scope: Scope): string {
  if (scope.kind === "platform") return "platform";
  return scope.kind === "project" ? `project:${scope.project}` : `service:${scope.project}/${scope.service}`;
}

/** As an address has it: `platform`, `project/NAME`, `service/PROJECT/NAME`. */
export function scopePath(scope: Scope): string {
  return scopeText(scope).replace(":", "/");
}

export const scopeRule = "must be platform, project:NAME or service:PROJECT/NAME";

/** Reads what `scopeText` or `scopePath` wrote; undefined when it is neither. */
export function parseScope(text: string): Scope | undefined {
  const [kind, ...names] = text.split(/[:/]/);
  const [project = "", service = ""] = names;
  if (!names.every(isValidName)) return undefined;
  if (kind === "platform" && names.length === 0) return platformScope;
  if (kind === "project" && names.length === 1) return { kind, project };
  if (kind === "service" && names.length === 2) return { kind, project, service };
  return undefined;
}

/** Of the keys of configuration and the names of secrets. */
export const keyRule = "must be 1 to 256 printable characters without /";

export function isValidKey(key: string): boolean {
  return [...key].length <= 256 && /^[^\p{C}/]+$/u.test(key);
}

/** Who wrote a value last. What a manifest proposed gives way to the others (rule S1). */
export type ValueOrigin = "manifest" | "person" | "script";
