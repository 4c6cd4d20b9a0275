import { z } from "zod";
import { maxEventBytes } from "../events/cloud-event.ts";
import { maxStepOutputBytes } from "../executions/execution.ts";
import { isolationLevels } from "../services/manifest.ts";
import { artifactStore, bus, catalog, configStore, opsData } from "./engine-settings.ts";
import { bytes, durationMs } from "./setting-types.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

const containers = z.strictObject({
  engine: z
    .string()
    .min(1)
    .optional()
    .describe(
      "Where the container engine listens: unix:///run/podman/podman.sock or http://127.0.0.1:2375; off: no containers. Without it DOCKER_HOST, else the usual sockets.",
    ),
  filesDirectory: z
    .string()
    .min(1)
    .optional()
    .describe(
      "Where files lie that containers are given; the engine must see it under the same path. Without it memory, /dev/shm.",
    ),
  sweepMs: durationMs(30_000).describe("How often containers are looked for that nobody watches any more."),
});

const kubernetes = z.strictObject({
  kubeconfig: z
    .string()
    .min(1)
    .optional()
    .describe(
      "File that says how to reach the cluster of Jobs; without it what kubectl would take, or the cluster that this runs in.",
    ),
});

const executor = z.strictObject({
  slots: z.int().min(1).max(1024).default(4).describe("Scripts that run at the same time, whosever they are."),
  reliefSlots: z
    .int()
    .min(0)
    .max(64)
    .default(1)
    .describe(
      "Scripts that may run beside these, once all slots have been taken for half a second: of services that have none in this executor then, so that they need not wait for the long runs of others. 0: none, and never more run than there are slots.",
    ),
  lanes: z
    .string()
    .regex(/^[1-9]\d?:[1-9]\d?:[1-9]\d?$/, 'must be three weights from 1 to 99, of high, regular and low: "7:2:1"')
    .default("7:2:1")
    .describe("Of so many claims, how many ask the lane high first, how many regular, how many low."),
  python: z
    .string()
    .min(1)
    .optional()
    .describe("Python interpreter for scripts, 3.9 or later; without it the first usable python3."),
  runRoot: z
    .string()
    .min(1)
    .optional()
    .describe(
      "Where scripts live while they run; without it below the data directory, or /var/tmp where scripts cannot reach that.",
    ),
  isolation: z
    .enum(["auto", "require", "off"])
    .default("auto")
    .describe(
      "auto: the best this machine offers, and start-up says which. require: refuse to start without one. off: none.",
    ),
  level: z
    .enum(isolationLevels)
    .default("process")
    .describe("How far scripts are kept from the rest whose manifest does not say; see the manifest's key isolation."),
  warmProcesses: z
    .int()
    .min(1)
    .max(1024)
    .optional()
    .describe(
      "Processes that may stay for further runs, of services with the level warm; where all are busy, or nothing is forked, a run has a process of its own. Without it 8, and as many as slots where those are more.",
    ),
  aheadProcesses: z
    .int()
    .min(0)
    .max(1024)
    .default(8)
    .describe(
      "Processes that may wait for a next run of a script that ran lately, of services with the level process or sandbox; each takes one run, and while it waits 10 to 65 MB. 0: each is started when its run is there.",
    ),
  bun: z
    .string()
    .min(1)
    .optional()
    .describe("Bun for scripts in TypeScript and JavaScript; without it the one among the platform's packages."),
  javascript: z
    .enum(["auto", "bun", "node"])
    .default("auto")
    .describe(
      "What runs the .ts and .js scripts of services whose manifest has no runtime. auto: Bun where this machine has it, else Node.",
    ),
  fork: z
    .enum(["auto", "off"])
    .default("auto")
    .describe(
      "auto: scripts in Python are forked from a warm interpreter where Linux offers it, and others started by it. off: each is started anew.",
    ),
  cgroup: z
    .string()
    .regex(/^(auto|off|\/.*)$/, 'must be "auto", "off" or an absolute path')
    .default("auto")
    .describe(
      "auto: a control group for each forked run where this process's own group is the platform's to divide, as below systemd's Delegate=yes. off: none. Else the directory of a group (version 2) that is.",
    ),
  firstUid: z
    .int()
    .min(1000)
    .max(2_000_000_000)
    .optional()
    .describe(
      "Where the platform runs as root: the first user id that scripts run as. Without it 1879048192, or 61000 where there is none so high, as in a user namespace.",
    ),
  sqlDirectory: z
    .string()
    .min(1)
    .optional()
    .describe(
      "Where the databases of SQL scripts lie, one directory a project; without it below the data directory, or /var/lib/streamzero-fx where scripts cannot reach that.",
    ),
  sqlStatementMs: durationMs(60_000).describe("What one statement of an SQL script may take."),
  leaseMs: z
    .int()
    .min(1000)
    .max(hourMs)
    .default(30_000)
    .describe("How long an executor holds an execution without a sign of life."),
  leaseMarginMs: durationMs(5000).describe(
    "Scripts are killed this long before their lease ends; smaller than leaseMs.",
  ),
  memoryBytes: z
    .int()
    .min(64 * 1024 * 1024)
    .optional()
    .describe("Most memory of one script; without it half of the machine's."),
  cpuSeconds: z.int().min(1).optional().describe("Most processor time of one script; without it there is no cap."),
  processes: z.int().min(16).default(512).describe("Most processes and threads of one script."),
  openFiles: z.int().min(64).default(4096).describe("Most files that one script may have open."),
  killGraceMs: durationMs(5000).describe("Between SIGTERM and SIGKILL for a script that is stopped."),
  pollMs: durationMs(1000).describe("Longest time an idle executor goes without looking for work."),
  containers: containers.prefault({}),
  kubernetes: kubernetes.prefault({}),
});

const dependencies = z.strictObject({
  directory: z
    .string()
    .min(1)
    .optional()
    .describe(
      "Where installed packages lie; without it below the data directory, or /var/lib/streamzero-fx where scripts cannot reach that.",
    ),
  pythonTool: z
    .enum(["auto", "uv", "pip"])
    .default("auto")
    .describe("What installs requirements.txt; auto: uv where it is found, else pip."),
  indexUrl: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe("Index of Python packages, with user and password where it wants them; without it the tool's own.")
    .meta({ secret: true }),
  findLinks: z
    .string()
    .min(1)
    .optional()
    .describe("Directory with Python packages, looked into beside the index; every user must be able to read it."),
  npmRegistry: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe("Registry of npm packages; without it npm's own."),
  npmToken: z
    .string()
    .regex(/^[\x21-\x7e]+$/, "must be printable ASCII without spaces")
    .optional()
    .describe("Token for npmRegistry.")
    .meta({ secret: true }),
  npmCache: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Directory of a cache that npm has filled ("npm cache add <package> --cache <directory>", from the same registry), looked into before the registry and never written to; every user must be able to read it.',
    ),
  offline: z
    .boolean()
    .default(false)
    .describe(
      "Never ask a registry: Python packages come from findLinks, npm's from npmCache and from files of the service.",
    ),
  sourceBuilds: z
    .boolean()
    .default(true)
    .describe(
      "Whether packages that an index has without a wheel may be built, which runs code of theirs; what requirements.txt names by a path or an address is built in any case.",
    ),
  npmScripts: z.boolean().default(false).describe("Whether npm packages may run their scripts at the install."),
  timeoutMs: durationMs(10 * minuteMs).describe("What one install may take."),
  unusedMs: durationMs(30 * dayMs).describe(
    "Installed packages that nothing used for so long are removed, and those that no stored version needs after 25 hours.",
  ),
});

const limits = z.strictObject({
  hops: z.int().min(1).max(10_000).default(100).describe("Longest chain of events caused by one another."),
  flowExecutions: z
    .int()
    .min(1)
    .default(10_000)
    .describe("Executions that one flow may start, with the events that mappings make in it."),
  eventBytes: z.int().min(1024).max(maxEventBytes).default(maxEventBytes).describe("Largest event."),
  bodyBytes: bytes(16 * 1024 * 1024).describe("Largest request body, deploys excepted."),
  batchEvents: z.int().min(1).max(10_000).default(1000).describe("Most events of one batched request."),
  packageBytes: bytes(50 * 1024 * 1024).describe("Largest service version, unpacked."),
  packageFiles: z.int().min(1).default(5000).describe("Most files of a service version."),
  outputBytes: z
    .int()
    .min(1024)
    .max(maxStepOutputBytes)
    .default(maxStepOutputBytes)
    .describe("Output kept of one step."),
});

const retention = z.strictObject({
  busMs: durationMs(7 * dayMs).describe("Events on the backbone."),
  ledgerMs: durationMs(90 * dayMs).describe("Ledger entries; at least busMs and a day, so that repeats are known."),
  bodiesMs: durationMs(30 * dayMs).describe("Bodies of events."),
  executionsMs: durationMs(90 * dayMs).describe("Finished executions."),
  logsMs: durationMs(30 * dayMs).describe("Output and logs."),
  historyMs: durationMs(90 * dayMs).describe("Searchable events, and the history and statistics of executions."),
  metricsMs: durationMs(14 * dayMs).describe("What processes measured of themselves."),
  everyMs: durationMs(10 * minuteMs).describe("How often old data is looked for."),
});

const router = z.strictObject({
  batchSize: z.int().min(1).max(10_000).default(500).describe("Most events of one routing transaction."),
});

const recovery = z.strictObject({
  pollMs: durationMs(1000).describe("How often lost leases and unsent events are looked for when no signal came."),
});

const alerts = z.strictObject({
  everyMs: durationMs(1000).describe("Between two judgements of alerts: so late one may be raised."),
});

const metrics = z.strictObject({
  everyMs: durationMs(30_000).describe("How often each process puts on record what `/metrics` tells of it."),
});

const scheduler = z.strictObject({
  pollMs: durationMs(1000).describe("Longest time between two looks at the clock, which may have been set."),
  toleranceMs: durationMs(60_000).describe(
    "A scheduled time that is noticed later than this was missed, and falls under the manifest's catch_up.",
  ),
  catchUpRuns: z
    .int()
    .min(1)
    .max(100_000)
    .default(1000)
    .describe("With catch_up all, the most missed times of one schedule that run: the latest."),
});

const watch = z.strictObject({
  directories: z
    .string()
    .min(1)
    .optional()
    .describe("Directories whose new files become fx.file.uploaded, with : between them; without it none is watched."),
  project: z.string().min(1).optional().describe("Whose services see these events; without it all."),
  settleMs: durationMs(1000).describe("A file is taken when it has not changed for so long."),
  contentBytes: z
    .int()
    .min(0)
    .max(2 * 1024 * 1024)
    .default(256 * 1024)
    .describe("Largest file whose content the event carries; of a larger one it tells path, size and hash."),
});

const log = z.strictObject({
  level: z
    .enum(["debug", "info", "warn", "error", "silent"])
    .default("info")
    .describe("The platform's own log, on stderr."),
});

/**
 * Every setting there is. Its path names it everywhere: `executor.leaseMs` in `fx.config.json`,
 * `FX_EXECUTOR_LEASE_MS` in the environment, `--executor-lease-ms` as a flag. Unknown names are refused.
 */
export const settingsSchema = z
  .strictObject({
    host: z.string().min(1).default("127.0.0.1").describe("Address to listen on. Past 127.0.0.1 put TLS in front."),
    port: z.int().min(0).max(65_535).default(8080).describe("Port to listen on; 0 takes a free one."),
    url: z
      .url({ protocol: /^https?$/ })
      .optional()
      .describe("Where clients reach the platform, if not at host and port."),
    dataDir: z.string().min(1).default(".fx").describe("Everything that must survive is below it."),
    token: z
      .string()
      .regex(/^[\x21-\x7e]+$/, "must be printable ASCII without spaces")
      .optional()
      .describe(
        "The administrator's token, long and random; without it one is made at the first start and kept in the data directory.",
      )
      .meta({ secret: true }),
    secretsKey: z
      .string()
      .min(1)
      .optional()
      .describe(
        "Key that secrets are encrypted with: 32 bytes in base64, or the path of a file with one such key a line, the first in use; without it secrets.key of the data directory, made at the first start.",
      )
      .meta({ secret: true }),
    drainMs: durationMs(20_000).describe("At SIGTERM: how long running scripts may take to end by themselves."),
    log: log.prefault({}),
    bus: bus.prefault({ driver: "sqlite" }),
    catalog: catalog.prefault({ driver: "sqlite" }),
    configStore: configStore.prefault({ driver: "sqlite" }),
    artifactStore: artifactStore.prefault({ driver: "filesystem" }),
    opsData: opsData.prefault({ driver: "sqlite" }),
    executor: executor.prefault({}),
    dependencies: dependencies.prefault({}),
    router: router.prefault({}),
    scheduler: scheduler.prefault({}),
    recovery: recovery.prefault({}),
    alerts: alerts.prefault({}),
    watch: watch.prefault({}),
    limits: limits.prefault({}),
    metrics: metrics.prefault({}),
    retention: retention.prefault({}),
  })
  .superRefine((settings, context) => {
    const { executor, retention, limits } = settings;
    if (executor.leaseMarginMs >= executor.leaseMs) {
      refuse(context, ["executor", "leaseMarginMs"], `must be smaller than executor.leaseMs (${executor.leaseMs})`);
    }
    for (const [port, one, other] of pairs) {
      const given = Object.keys(settings[port]).filter((name) => name === one || name === other);
      const lacking = given[0] === one ? other : one;
      if (given.length === 1) refuse(context, [port, given[0] as string], `must have ${port}.${lacking} beside it`);
    }
    // Rule D13: what the bus can still deliver, the ledger must still know.
    if (retention.ledgerMs < retention.busMs + dayMs) {
      refuse(
        context,
        ["retention", "ledgerMs"],
        `must be at least retention.busMs and a day (${retention.busMs + dayMs})`,
      );
    }
    if (limits.bodyBytes < limits.eventBytes) {
      refuse(context, ["limits", "bodyBytes"], `must be at least limits.eventBytes (${limits.eventBytes})`);
    }
  });

/** What says nothing without the other. */
const pairs = [
  ["artifactStore", "accessKeyId", "secretAccessKey"],
  ["bus", "certificateFile", "keyFile"],
  ["configStore", "certificateFile", "keyFile"],
  ["opsData", "certificateFile", "keyFile"],
] as const;

export type Settings = z.output<typeof settingsSchema>;

function refuse(context: z.RefinementCtx, path: string[], message: string): void {
  context.addIssue({ code: "custom", path, message });
}
