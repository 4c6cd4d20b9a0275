import { isUtf8 } from "node:buffer";
import { messageOf, type Problem } from "../../../foundation/errors.ts";
import { parseCron } from "../../../services/cron/cron-expression.ts";
import { isTimeZone } from "../../../services/cron/time-zone.ts";
import { elsewhereProblems, scriptsElsewhereProblems } from "../../../services/elsewhere.ts";
import { type ExpressionUse, expressionProblem } from "../../../services/expression-problem.ts";
import { type Manifest, type ManifestRest, readManifest, scriptsOf, triggersOf } from "../../../services/manifest.ts";

export const manifestFile = "manifest.json";

const scriptEnding = /\.(py|ts|mts|cts|js|mjs|cjs|sql|sh)$/;

/** What of a package runs, and as what. */
export interface Running {
  manifest: Manifest;
  scripts: readonly string[];
}

export type ManifestFileReading =
  | { ok: true; manifest: Manifest; scripts: string[]; warnings: string[] }
  /** `running`: what is sure of it in spite of the problems, so that they can be told with those of the scripts. */
  | { ok: false; problems: Problem[]; running: Running | undefined };

/**
 * What a package says of itself, and the scripts it runs, in order. Without a manifest, or one that
 * names no scripts, the only script at the top of the package runs.
 */
export function readManifestFile(
  content: Uint8Array | undefined,
  paths: readonly string[],
  name: string,
): ManifestFileReading {
  const parsed = parse(content);
  if ("problem" in parsed) {
    return { ok: false, problems: [{ path: manifestFile, message: parsed.problem }], running: undefined };
  }
  const reading = readManifest(parsed.value);
  if (!reading.ok) {
    const { problems, running } = reading.rest ? lookBeside(reading.rest, paths) : { problems: [] };
    return { ok: false, problems: [...reading.problems, ...problems].map(inManifest), running };
  }
  const { manifest } = reading;
  const warnings = [...reading.warnings];
  if (manifest.name !== undefined && manifest.name !== name) {
    warnings.push(`${manifestFile}: name is "${manifest.name}", but the service is deployed as "${name}"`);
  }
  const { scripts, problems } = look(manifest, paths);
  if (problems.length > 0) {
    return { ok: false, problems: problems.map(inManifest), running: runningOf(manifest, scripts, paths) };
  }
  return { ok: true, manifest, scripts, warnings };
}

/** What the keys of a manifest cannot mean together, or in this package; paths are its keys. */
function look(manifest: Manifest, paths: readonly string[]): { scripts: string[]; problems: Problem[] } {
  const chosen = manifest.type === "script" ? chooseScripts(manifest, paths) : { scripts: [], problems: [] };
  const problems = [
    ...elsewhereProblems(manifest),
    ...scriptsElsewhereProblems(manifest, chosen.scripts),
    ...triggerProblems(manifest),
    ...scheduleProblems(manifest),
    ...chosen.problems,
  ];
  return { scripts: chosen.scripts, problems };
}

/** Which of its keys mean something, and which scripts run: nobody knows while one of these is wrong. */
const deciding = ["type", "isolation", "entrypoint", "execution_order", "modules", "entry"];
/** By what scripts are run: what one interpreter refuses is right for another. */
const interpreting = ["python", "runtime"];

/** What else is to be said of a manifest that has a mistake, but for what might be no more than its consequence. */
function lookBeside(
  { manifest, wrong }: ManifestRest,
  paths: readonly string[],
): { problems: Problem[]; running?: Running | undefined } {
  const isWrong = (key: string) => wrong.has(key);
  if (deciding.some(isWrong)) {
    const problems = [...triggerProblems(manifest), ...scheduleProblems(manifest)];
    return { problems: problems.filter(({ path }) => !isWrong(path)) };
  }
  const { scripts, problems } = look(manifest, paths);
  const running = interpreting.some(isWrong) ? undefined : runningOf(manifest, scripts, paths);
  return { problems: problems.filter(({ path }) => !isWrong(path)), running };
}

function runningOf(manifest: Manifest, scripts: readonly string[], paths: readonly string[]): Running {
  return { manifest, scripts: scripts.filter((script) => paths.includes(script)) };
}

function parse(content: Uint8Array | undefined): { value: unknown } | { problem: string } {
  if (content === undefined) return { value: {} };
  if (!isUtf8(content)) return { problem: "must be UTF-8" };
  try {
    // Some editors begin files with a byte order mark.
    return {
      value: JSON.parse(
        Buffer.from(content)
          .toString()
          .replace(/^\ufeff/, ""),
      ),
    };
  } catch (error) {
    return { problem: `must be JSON: ${messageOf(error)}` };
  }
}

/** A path of "" is the whole file. */
function inManifest({ path, message }: Problem): Problem {
  return { path: path === "" ? manifestFile : `${manifestFile}: ${path}`, message };
}

function triggerProblems(manifest: Manifest): Problem[] {
  const problems: Problem[] = [];
  for (const [index, { filter }] of triggersOf(manifest).entries()) {
    if (filter !== undefined) problems.push(...celProblems(filter, "condition", `trigger_events[${index}].filter`));
  }
  if (manifest.concurrency_key !== undefined)
    problems.push(...celProblems(manifest.concurrency_key, "key", "concurrency_key"));
  return problems;
}

function celProblems(expression: string, use: ExpressionUse, path: string): Problem[] {
  const problem = expressionProblem(expression, use);
  return problem === undefined ? [] : [{ path, message: `${problem}; found ${JSON.stringify(expression)}` }];
}

function scheduleProblems({ schedule, timezone }: Manifest): Problem[] {
  const problems: Problem[] = [];
  if (timezone !== undefined && !isTimeZone(timezone)) {
    const message = `must be a time zone such as "Europe/Zurich"; found ${JSON.stringify(timezone)}`;
    problems.push({ path: "timezone", message });
  }
  if (schedule === undefined) return problems;
  try {
    parseCron(schedule);
  } catch (error) {
    const found = `found ${JSON.stringify(schedule)}`;
    const message = `must be a schedule such as "*/5 * * * *" or "@daily": ${messageOf(error)}; ${found}`;
    problems.push({ path: "schedule", message });
  }
  return problems;
}

function chooseScripts(manifest: Manifest, paths: readonly string[]): { scripts: string[]; problems: Problem[] } {
  const named = scriptsOf(manifest);
  if (named !== undefined) {
    const scripts = named.map((path) => path.replace(/^(?:\.\/)+/, ""));
    const missing = scripts.filter((path) => !paths.includes(path));
    const key = manifest.entrypoint ? "entrypoint" : manifest.execution_order ? "execution_order" : "scripts";
    const problems = missing.map((path) => ({
      path: key,
      message: `names "${path}", which is not in the package`,
    }));
    return { scripts, problems };
  }
  const top = paths.filter((path) => !path.includes("/") && scriptEnding.test(path));
  if (top.length === 1) return { scripts: top, problems: [] };
  const message =
    top.length === 0
      ? `the package has no script at its top, and its ${manifestFile} names none with "entrypoint" or "execution_order"`
      : `which scripts run, and in which order? Found ${top.join(", ")}: name them with "entrypoint" or "execution_order"`;
  return { scripts: [], problems: [{ path: "", message }] };
}
