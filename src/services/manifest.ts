import { z } from "zod";
import { eventTypePattern } from "../events/event-type-pattern.ts";
import type { Problem } from "../foundation/errors.ts";
import { nearest } from "../foundation/nearest.ts";
import { foundAt, placeOf, schemaWords } from "../foundation/schema-words.ts";
import { containerSettings } from "./container-settings.ts";
import { nameSchema } from "./names.ts";
import { sizeSchema } from "./size.ts";

const mebibyte = 1024 * 1024;

/** Of scripts that run on the executor's machine itself; the manifest's `container` is that of an image. */
export const isolationLevels = ["process", "sandbox", "warm"] as const;
export type IsolationLevel = (typeof isolationLevels)[number];

const trigger = z.union(
  [eventTypePattern, z.object({ type: eventTypePattern, filter: z.string().min(1).optional() }).strict()],
  'must be an event type, or {"type": …, "filter": …} with a CEL expression over event',
);

const scriptPath = z
  .string()
  .regex(/\.(py|ts|mts|cts|js|mjs|cjs|sql|sh)$/, "must name a script: .py, .ts, .js, .sql or .sh");
const scriptList = z.array(scriptPath).min(1, "must name at least one script");

const javascriptRuntimes = ["bun", "node"] as const;
export type JavaScriptRuntime = (typeof javascriptRuntimes)[number];

const words = z.array(z.string(), 'must be a list of words, as in ["sh", "-c", "date"]');

/** Retries of a failing script. The delay grows each time, and a part of it is random. */
const retries = z.union(
  [
    z.int().min(0).max(100),
    z
      .object({
        count: z.int().min(0).max(100).describe("Retries after the first attempt."),
        delay: z.number().min(0).max(86_400).default(1).describe("Seconds before the first retry."),
        max_delay: z
          .number()
          .min(0)
          .max(86_400)
          .default(300)
          .describe("Longest wait between two attempts, in seconds."),
        factor: z
          .number()
          .min(1)
          .max(10)
          .default(2)
          .describe("What each wait is multiplied by for the next; 1: all equal."),
        jitter: z
          .number()
          .min(0)
          .max(1)
          .default(0.5)
          .describe("Part of each wait that is random, so that runs that failed together do not return together."),
      })
      .strict(),
  ],
  'must be how many, 0 to 100, or {"count": …, "delay": seconds, "max_delay": seconds, "factor": …, "jitter": …}',
);

/** Starts, retries included, that a service may make within any stretch of time so long. */
const throttle = z
  .object({
    limit: z.int().min(1).max(100_000).describe("Starts within any period; retries are starts as well."),
    period: z.number().min(0.1).max(86_400).describe("Seconds."),
  })
  .strict();

export const queuePolicies = ["reject", "drop_oldest"] as const;
export type QueuePolicy = (typeof queuePolicies)[number];

const queue = z
  .object({
    limit: z.int().min(1).max(100_000).describe("Runs that may wait."),
    policy: z
      .enum(queuePolicies)
      .default("reject")
      .describe("Which run ends as skipped when there are more: the one that came, or the oldest that has not begun."),
  })
  .strict();

/**
 * `manifest.json` of a service. docs/reference/manifest.md and the schema for editors are made from
 * it. Unknown keys are reported as warnings by `readManifest`, wrong types refuse the deploy.
 */
export const manifestSchema = z.object({
  $schema: z.string().optional().describe("Where the schema for editors lies; the platform passes it over."),
  name: nameSchema.optional().describe("Name of the service; without it the directory's."),
  description: z.string().optional().describe("For people."),
  version: z.string().optional().describe("For people; what the platform calls a version is a hash of the content."),
  author: z.string().optional().describe("For people."),
  tags: z.array(z.string()).optional().describe("For people."),
  type: z
    .enum(["script", "container", "k8s_job"])
    .default("script")
    .describe("What a run of the service is: its scripts, a container of an image, or a Job in a Kubernetes cluster."),
  image: z
    .string()
    .min(1)
    .optional()
    .describe(
      'The image that a container is made of: "docker.io/library/alpine:3.20". With the isolation "container" it has the interpreter of the scripts.',
    ),
  command: words
    .optional()
    .describe("What a container starts, instead of its image's entry point; then the image's arguments do not count."),
  args: words.optional().describe("What a container's entry point is given, instead of its image's arguments."),
  container: containerSettings.optional(),
  secrets: z
    .array(
      z
        .string()
        .regex(/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$/, "must be a secret's name, which is a file's name as well"),
    )
    .optional()
    .describe("Secrets that a container or a Job is given, as variables and as files; scripts ask for theirs."),
  entrypoint: scriptPath.optional().describe("The one script that runs; wins over execution_order."),
  execution_order: scriptList
    .optional()
    .describe("The scripts that run, one after the other, until one fails. Without it the only script there is."),
  modules: scriptList.optional().describe("Another name of execution_order."),
  entry: z
    .union([scriptPath, scriptList], "must name one script, or be a list of scripts")
    .optional()
    .describe("Another name of execution_order."),
  runtime: z
    .enum(javascriptRuntimes)
    .optional()
    .describe(
      "What runs its .ts and .js scripts; without it what the setting executor.javascript says, and Node where they run in a container.",
    ),
  trigger_events: z
    .array(trigger)
    .optional()
    .describe(
      "Event types that start it: exact, or with a trailing .*; or {type, filter} with a CEL expression over event. They propose the first links.",
    ),
  schedule: z
    .string()
    .min(1)
    .optional()
    .describe("When it runs by itself: five cron fields, or @hourly, @daily, @weekly, @monthly, @yearly."),
  timezone: z.string().optional().describe("IANA name of the schedule's time zone; without it UTC."),
  catch_up: z
    .enum(["one", "none", "all"])
    .default("one")
    .describe("Ticks missed while the platform was down: the latest of them runs, none runs, or each runs."),
  priority: z.int().min(1).max(10).default(5).describe("1 (highest) to 10 (lowest)."),
  allow_manual_triggering: z.boolean().default(true).describe("Whether people may run it by name."),
  active: z.boolean().default(true).describe("Whether events and its schedule start it."),
  timeout: z.number().positive().max(86_400).default(300).describe("Seconds that one script may take."),
  memory: sizeSchema({ min: 16 * mebibyte, max: 1024 ** 5, told: "at least 16 MB" })
    .optional()
    .describe('Memory of one script and the processes it starts, in bytes or as "256 MB"; within the platform\'s cap.'),
  cpu_seconds: z
    .int()
    .min(1)
    .max(86_400)
    .optional()
    .describe("Processor time of one script with all that it starts, in seconds."),
  max_processes: z
    .int()
    .min(1)
    .max(100_000)
    .optional()
    .describe(
      "Processes of one script, the script itself and the threads of all included; in a container at least 16.",
    ),
  max_open_files: z.int().min(16).max(1_000_000).optional().describe("Files that one script may have open."),
  max_output: sizeSchema({ min: 1024, max: 1024 ** 4, told: "at least 1 KB" })
    .optional()
    .describe(
      "What one script prints and logs; past it the run ends. Without it, what is past the platform's cap is not kept.",
    ),
  isolation: z
    .enum([...isolationLevels, "container"])
    .optional()
    .describe(
      "How far its scripts are kept from the rest. process: a process of its own, as its own user or under Landlock. sandbox: besides that no network, no sight of other processes, and a file system that is closed but for its own files. warm: one process runs the script again and again, for the same service only, and what its modules hold lives on. container: each is run by the interpreter of the image that the key image names. Without it the platform's setting.",
    ),
  preload: z
    .array(
      z
        .string()
        .regex(
          /^[A-Za-z0-9_@][\w@./-]*$/,
          'must be the name of a package or of a module in one, as a script imports it: "numpy", "@scope/name"',
        ),
    )
    .max(100)
    .default([])
    .describe(
      "Packages that a process of its .py, .ts and .js scripts imports before it is given its run; where one was started ahead, its run does not wait for them. What a script sets before it imports them, such as a variable of the environment, comes too late for them. The level warm has no use for it.",
    ),
  network: z
    .boolean()
    .default(false)
    .describe("Whether a script in a sandbox has the network; without a sandbox all scripts have."),
  retries: retries
    .default(0)
    .describe(
      "How often a failing run is tried again: a count, or {count, delay, max_delay, factor, jitter} with delays in seconds.",
    ),
  python: z
    .string()
    .regex(/^3\.\d+(\.\d+)?$/, 'must be a version of Python 3, such as "3.11"')
    .optional()
    .describe('Version of Python for .py scripts, from 3.9 on, as "3.11" or "3.11.4"; without it the platform\'s own.'),
  connection: z
    .string()
    .min(1)
    .optional()
    .describe(
      "Name of the secret that holds the address of the database for .sql scripts; without it the project's own.",
    ),
  on_lost: z
    .enum(["retry", "fail"])
    .default("retry")
    .describe("What becomes of an attempt that the platform lost: it runs again, or the run fails."),
  concurrency_key: z
    .string()
    .min(1)
    .optional()
    .describe("CEL over event; runs with equal keys happen one at a time, in the order they were routed."),
  concurrency: z
    .int()
    .min(1)
    .max(10_000)
    .optional()
    .describe("Runs of it that may happen at the same time, on all executors together; more wait."),
  throttle: throttle
    .optional()
    .describe("{limit, period}: at most so many starts within any period of so many seconds; more wait."),
  queue: queue
    .optional()
    .describe("{limit, policy}: how many runs may wait, and which one is skipped, visibly, when there are more."),
});

export type Manifest = z.infer<typeof manifestSchema>;
export type CatchUp = Manifest["catch_up"];

export type ManifestReading =
  | { ok: true; manifest: Manifest; warnings: string[] }
  | { ok: false; problems: Problem[]; rest: ManifestRest | undefined };

/** What a manifest with mistakes says besides them, so that a person is told of all of them at once. */
export interface ManifestRest {
  manifest: Manifest;
  /** The keys whose values were left out of it. */
  wrong: ReadonlySet<string>;
}

/** Validates a parsed `manifest.json`. Every problem names its key, what was found and what is expected. */
export function readManifest(value: unknown): ManifestReading {
  const parsed = manifestSchema.safeParse(value, { error: schemaWords });
  if (!parsed.success) {
    const { issues } = parsed.error;
    const problems = [
      ...issues.map((issue) => describeIssue(issue, value)),
      ...unknownKeys(value).map((key) => ({ path: key, message: `is no key of a manifest${suggestion(key)}` })),
    ];
    return { ok: false, problems, rest: restOf(value, new Set(issues.map(({ path }) => String(path[0] ?? "")))) };
  }
  const warnings = unknownKeys(value).map((key) => `manifest.json: unknown key "${key}" is ignored${suggestion(key)}`);
  return { ok: true, manifest: parsed.data, warnings };
}

function unknownKeys(value: unknown): string[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [];
  return Object.keys(value).filter((key) => !Object.hasOwn(manifestSchema.shape, key));
}

/** Undefined: it is no object, and says nothing. */
function restOf(value: unknown, wrong: ReadonlySet<string>): ManifestRest | undefined {
  if (wrong.has("")) return undefined;
  const right = Object.fromEntries(Object.entries(value as object).filter(([key]) => !wrong.has(key)));
  const parsed = manifestSchema.safeParse(right);
  return parsed.success ? { manifest: parsed.data, wrong } : undefined;
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

export function retriesOf(manifest: Manifest): {
  count: number;
  delayMs: number;
  maxDelayMs: number;
  factor: number;
  jitter: number;
} {
  const { retries: given } = manifest;
  if (typeof given === "number") {
    return { count: given, delayMs: 1000, maxDelayMs: 300_000, factor: 2, jitter: 0.5 };
  }
  // What was deployed by an earlier release names neither.
  const { count, delay, max_delay: maxDelay, factor = 2, jitter = 0.5 } = given;
  return { count, delayMs: delay * 1000, maxDelayMs: maxDelay * 1000, factor, jitter };
}

function describeIssue({ code, path, message }: z.core.$ZodIssue, root: unknown): Problem {
  const found = code === "unrecognized_keys" ? "" : foundAt(path, root);
  return { path: placeOf(path), message: `${message}${found}` };
}

function suggestion(key: string): string {
  const known = Object.keys(manifestSchema.shape);
  const normal = key.toLowerCase().replaceAll(/[^a-z]/g, "");
  const begun = known.find((other) => {
    const otherNormal = other.replaceAll("_", "");
    return otherNormal === normal || otherNormal.startsWith(normal) || normal.startsWith(otherNormal);
  });
  const meant = begun ?? nearest(key, known);
  return meant === undefined ? "" : ` (did you mean "${meant}"?)`;
}
