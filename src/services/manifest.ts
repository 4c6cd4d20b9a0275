import { z } from "zod";
import type { Problem } from "../foundation/errors.ts";
import { nameSchema } from "./names.ts";

const eventTypePattern = z
  .string()
  .regex(
    /^[^\s*]+$|^[^\s*]+\.\*$/,
    'must be an event type, exact ("order.placed") or with a trailing ".*" ("order.*")',
  );

const trigger = z.union([
  eventTypePattern,
  z.object({ type: eventTypePattern, filter: z.string().min(1).optional() }).strict(),
]);

const scriptPath = z
  .string()
  .regex(/\.(py|ts|mts|cts|js|mjs|cjs|sql|sh)$/, "must name a script: .py, .ts, .js, .sql or .sh");
const scriptList = z.array(scriptPath).min(1, "must name at least one script");

/** Retries of a failing script. `delay` and `max_delay` in seconds; the delay doubles and is jittered. */
const retries = z.union([
  z.int().min(0).max(100),
  z
    .object({
      count: z.int().min(0).max(100),
      delay: z.number().min(0).max(86_400).default(1),
      max_delay: z.number().min(0).max(86_400).default(300),
    })
    .strict(),
]);

/**
 * `manifest.json` of a service. Keys, and what each means, are in docs/reference; unknown keys are
 * reported as warnings by `readManifest`, wrong types refuse the deploy.
 */
export const manifestSchema = z.object({
  name: nameSchema.optional(),
  description: z.string().optional(),
  version: z.string().optional(),
  author: z.string().optional(),
  tags: z.array(z.string()).optional(),
  type: z.enum(["script", "container", "k8s_job"]).default("script"),
  entrypoint: scriptPath.optional(),
  execution_order: scriptList.optional(),
  modules: scriptList.optional(),
  entry: z.union([scriptPath, scriptList]).optional(),
  trigger_events: z.array(trigger).optional(),
  schedule: z.string().min(1).optional(),
  /** IANA name; without it UTC. */
  timezone: z.string().optional(),
  /** What becomes of ticks that were missed while nothing ran: the latest of them runs, none, or each. */
  catch_up: z.enum(["one", "none", "all"]).default("one"),
  priority: z.int().min(1).max(10).default(5),
  allow_manual_triggering: z.boolean().default(true),
  active: z.boolean().default(true),
  /** Seconds one step may take. */
  timeout: z.number().positive().max(86_400).default(300),
  retries: retries.default(0),
  /** Name of the secret that holds the address of the database for `.sql` scripts; without it the project's own. */
  connection: z.string().min(1).optional(),
  on_lost: z.enum(["retry", "fail"]).default("retry"),
  /** CEL over `event`; runs whose key is equal happen one at a time, in the order they were routed (rule D5). */
  concurrency_key: z.string().min(1).optional(),
});

export type Manifest = z.infer<typeof manifestSchema>;

export type ManifestReading = { ok: true; manifest: Manifest; warnings: string[] } | { ok: false; problems: Problem[] };

/** Validates a parsed `manifest.json`. Every problem names its key, what was found and what is expected. */
export function readManifest(value: unknown): ManifestReading {
  const parsed = manifestSchema.safeParse(value);
  if (!parsed.success) {
    return { ok: false, problems: parsed.error.issues.map((issue) => describeIssue(issue, value)) };
  }
  const warnings = Object.keys(value as object)
    .filter((key) => !(key in manifestSchema.shape))
    .map((key) => `manifest.json: unknown key "${key}" is ignored${suggestion(key)}`);
  return { ok: true, manifest: parsed.data, warnings };
}

/** The scripts in the order they run; undefined where the manifest leaves it to the directory's content. */
export function scriptsOf(manifest: Manifest): string[] | undefined {
  if (manifest.entrypoint) return [manifest.entrypoint];
  const order = manifest.execution_order ?? manifest.modules ?? manifest.entry;
  return typeof order === "string" ? [order] : order;
}

/** The links that the manifest proposes. */
export function triggersOf(manifest: Manifest): { type: string; filter: string | undefined }[] {
  return (manifest.trigger_events ?? []).map((entry) =>
    typeof entry === "string" ? { type: entry, filter: undefined } : { type: entry.type, filter: entry.filter },
  );
}

export function retriesOf(manifest: Manifest): { count: number; delayMs: number; maxDelayMs: number } {
  const { retries: given } = manifest;
  if (typeof given === "number") return { count: given, delayMs: 1000, maxDelayMs: 300_000 };
  return { count: given.count, delayMs: given.delay * 1000, maxDelayMs: given.max_delay * 1000 };
}

function describeIssue(issue: z.core.$ZodIssue, root: unknown): Problem {
  const path = issue.path.reduce<string>(
    (text, part) => (typeof part === "number" ? `${text}[${part}]` : text ? `${text}.${String(part)}` : String(part)),
    "",
  );
  const found = issue.path.reduce<unknown>((value, part) => (value as Record<PropertyKey, unknown>)?.[part], root);
  const shown = found === undefined ? "nothing" : JSON.stringify(found);
  return { path: path || "(the whole file)", message: `${issue.message}; found ${shown.slice(0, 120)}` };
}

function suggestion(key: string): string {
  const normal = key.toLowerCase().replaceAll(/[^a-z]/g, "");
  const near = Object.keys(manifestSchema.shape).find((known) => {
    const knownNormal = known.replaceAll("_", "");
    return knownNormal === normal || knownNormal.startsWith(normal) || normal.startsWith(knownNormal);
  });
  return near ? ` (did you mean "${near}"?)` : "";
}
