import { maxValueBytes } from "../../../config-store/config-store.ts";
import { secretProblem, secretWarning } from "../../../config-store/vault.ts";
import { messageOf, type Problem } from "../../../foundation/errors.ts";
import type { Json, JsonObject } from "../../../foundation/json.ts";
import { isValidKey, keyRule } from "../../../services/scope.ts";
import type { PackageFiles } from "./package-files.ts";

export const configFile = "config.json";
export const secretsFile = "secrets.json";

/** What a package proposes for the configuration of its service. `problems` name the file and the key. */
export function readConfigFile(content: Uint8Array | undefined): { values: JsonObject; problems: Problem[] } {
  if (content === undefined) return { values: {}, problems: [] };
  const read = readObject(content, (error) => messageOf(error));
  if ("problem" in read) return { values: {}, problems: [{ path: configFile, message: read.problem }] };
  const problems: Problem[] = [];
  for (const [key, value] of Object.entries(read.values)) {
    const path = `${configFile}: ${key}`;
    if (!isValidKey(key)) problems.push({ path, message: `its key ${keyRule}` });
    const sizeBytes = Buffer.byteLength(JSON.stringify(value));
    if (sizeBytes > maxValueBytes) {
      problems.push({ path, message: `has ${sizeBytes} bytes of JSON, at most ${maxValueBytes} are kept` });
    }
  }
  return { values: read.values, problems };
}

export interface SecretsReading {
  values: Map<string, Json>;
  problems: Problem[];
  warnings: string[];
}

/** Takes `secrets.json` out of the package: it never reaches a hash, a store or a message (rule S1). */
export function takeSecretsFile(files: PackageFiles): SecretsReading {
  const content = files.get(secretsFile);
  const warnings: string[] = [];
  for (const name of files.paths()) {
    if (name !== secretsFile && !name.endsWith(`/${secretsFile}`)) continue;
    files.delete(name);
    if (name !== secretsFile) warnings.push(`${name} was discarded: only ${secretsFile} at the top is read`);
  }
  if (content === undefined) return { values: new Map(), problems: [], warnings };
  // A parser's message quotes what it could not read.
  const read = readObject(content, (error) => /line \d+ column \d+/.exec(messageOf(error))?.[0] ?? "it cannot be read");
  if ("problem" in read) {
    return { values: new Map(), problems: [{ path: secretsFile, message: read.problem }], warnings };
  }
  const values = new Map(Object.entries(read.values));
  const problems: Problem[] = [];
  for (const [name, value] of values) {
    const problem = secretProblem(name, value);
    if (problem !== undefined) problems.push({ path: `${secretsFile}: ${name}`, message: problem });
    const warning = secretWarning(name, value);
    if (warning !== undefined) warnings.push(`${secretsFile}: ${warning}`);
  }
  return { values, problems, warnings };
}

function readObject(
  content: Uint8Array,
  told: (error: unknown) => string,
): { values: JsonObject } | { problem: string } {
  let value: unknown;
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(content);
    value = JSON.parse(text);
  } catch (error) {
    return { problem: `must be JSON in UTF-8: ${told(error)}` };
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return { values: value as JsonObject };
  return { problem: 'must be an object at its top, such as {"name": "value"}' };
}
