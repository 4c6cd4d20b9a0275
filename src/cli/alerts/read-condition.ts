import type { Command } from "commander";
import { usageError } from "../cli-error.ts";
import type { AlertCondition } from "../connection/wire.ts";
import { seconds } from "../terminal/read-options.ts";

/** Options of all kinds; each kind takes its own. */
export interface ConditionOptions {
  service?: string;
  window?: number;
  percent?: string;
  minimum?: string;
  grace?: number;
  type?: string;
  for?: number;
  deviations?: string;
  direction?: string;
  runs?: string;
  query?: string;
  count?: string;
}

const optionsOf = {
  failure_rate: ["service", "window", "percent", "minimum"],
  lateness: ["service", "grace"],
  silence: ["type", "for"],
  duration: ["service", "deviations", "direction", "runs", "minimum"],
  log_pattern: ["query", "count", "window"],
} as const satisfies Record<AlertCondition["kind"], readonly (keyof ConditionOptions)[]>;

/** As the command line writes them: with dashes. */
export const kindNames = Object.keys(optionsOf).map((kind) => kind.replaceAll("_", "-"));

export function withCondition(command: Command): Command {
  return command
    .option("--service <service>", "failure-rate, lateness, duration: project/name, or a name (each by itself)")
    .option("--window <time>", "failure-rate, log-pattern: within so long, such as 5m (5m)", seconds)
    .option("--percent <percent>", "failure-rate: of a hundred runs so many failed (50)")
    .option("--minimum <runs>", "failure-rate, duration: not before so many runs (5; 20)")
    .option("--grace <time>", "lateness: a run may begin so late, such as 1m (1m)", seconds)
    .option("--type <type>", "silence: an event type, exact or with a trailing .*")
    .option("--for <time>", "silence: so long, such as 10m", seconds)
    .option("--deviations <count>", "duration: so far from the usual, in standard deviations (4)")
    .option("--direction <direction>", "duration: slower, faster or either (slower)")
    .option("--runs <count>", "duration: so many in a row (3)")
    .option("--query <query>", "log-pattern: what lines match, as `fx logs` searches")
    .option("--count <lines>", "log-pattern: so many lines (1)");
}

/** What the words and options mean; the platform says what is wrong with their values. */
export function readCondition(name: string, options: ConditionOptions): Record<string, unknown> {
  const kind = name.replaceAll("-", "_");
  if (!Object.hasOwn(optionsOf, kind)) {
    throw usageError(`"${name}" is no kind of alert: there are ${kindNames.join(", ")}`, "fx alerts add --help");
  }
  const own: readonly string[] = optionsOf[kind as keyof typeof optionsOf];
  const stray = allOptions.find((option) => options[option] !== undefined && !own.includes(option));
  if (stray !== undefined) {
    throw usageError(
      `${name} takes no --${stray}, but ${own.map((one) => `--${one}`).join(", ")}`,
      "fx alerts add --help",
    );
  }
  const given = allOptions.flatMap((option) => {
    const value = options[option];
    return value === undefined ? [] : [[option, numbers.has(option) ? Number(value) : value]];
  });
  return { kind, ...Object.fromEntries(given) };
}

/** A rule's condition in a line: `failure-rate percent=50 window=300`. */
export function conditionText({ kind, ...values }: AlertCondition): string {
  const words = Object.entries(values).map(([name, value]) => `${name}=${value}`);
  return [kind.replaceAll("_", "-"), ...words].join(" ");
}

const allOptions = [...new Set(Object.values(optionsOf).flat())];
const numbers: ReadonlySet<string> = new Set(["percent", "minimum", "deviations", "runs", "count"]);
