import { readFileSync } from "node:fs";
import path from "node:path";
import type { z } from "zod";
import { messageOf, PlatformError, type Problem } from "../foundation/errors.ts";
import { nearest } from "../foundation/nearest.ts";
import { schemaWords } from "../foundation/schema-words.ts";
import { type Setting, settingList } from "./setting-list.ts";
import { type Settings, settingsSchema } from "./settings-schema.ts";

export type { Settings } from "./settings-schema.ts";

export interface SettingsSources {
  /** By the flag's name in camel case, as command-line parsers give it: `{ port: "9000", executorSlots: 2 }`. */
  flags?: Readonly<Record<string, unknown>>;
  environment?: Readonly<Record<string, string | undefined>>;
  /** Where `fx.config.json` is looked for; relative paths count from here. */
  directory?: string;
}

export interface LoadedSettings {
  settings: Settings;
  /** Where each given setting came from, by path: "--port", "FX_PORT", "fx.config.json"; a default has no entry. */
  origins: ReadonlyMap<string, string>;
}

const configFile = "fx.config.json";

/** Variables of ours that are no settings: given to scripts and launchers by the platform, to clients and test runs by people. */
const otherVariables = new Set([
  "FX_CHANNEL",
  "FX_NONCE",
  "FX_WAIT",
  "FX_PRELOAD",
  "FX_SCRATCH",
  "FX_LAUNCH",
  "FX_SET_UP_FOLLOWS_PARENT",
]);
const otherPrefixes = ["FX_TEST_", "FX_SIM_", "FX_BENCH_", "FX_KILL", "FX_SEED", "FX_ENGINES", "FX_CHAOS"];

/**
 * Reads all settings: flags before the environment, that before `fx.config.json`, that before the
 * defaults. Throws `invalid-input` with one problem per wrong or unknown setting, each naming its source.
 */
export function loadSettings(sources: SettingsSources = {}): LoadedSettings {
  const { flags = {}, environment = process.env, directory = process.cwd() } = sources;
  const problems: Problem[] = [];
  const origins = new Map<string, string>();
  const given: Record<string, unknown> = {};
  readFile(directory, given, origins, problems);
  readEnvironment(environment, given, origins, problems);
  readFlags(flags, given, origins, problems);

  const parsed = settingsSchema.safeParse(given, { error: schemaWords });
  for (const issue of parsed.error?.issues ?? []) problems.push(...problemsOf(issue, given, origins));
  if (problems.length > 0 || !parsed.success) {
    const text = problems.map(({ path, message }) => `${path} ${message}`).join("; ");
    throw new PlatformError("invalid-input", `the settings are not valid: ${text}`, { problems });
  }
  const settings = parsed.data;
  return { settings: { ...settings, dataDir: path.resolve(directory, settings.dataDir) }, origins };
}

export interface DescribedSetting extends Omit<Setting, "kind"> {
  value: string | number | boolean | undefined;
  /** "default", or what gave the value. */
  origin: string;
}

/** All settings for people to read; secrets are told to be set, never shown. */
export function describeSettings({ settings, origins }: LoadedSettings): DescribedSetting[] {
  return settingList.map(({ kind: _, ...setting }) => {
    const value = valueAt(settings, setting.path) as DescribedSetting["value"];
    const shown = setting.secret && value !== undefined ? "(set, not shown)" : value;
    return { ...setting, value: shown, origin: origins.get(setting.path) ?? "default" };
  });
}

function readFile(
  directory: string,
  given: Record<string, unknown>,
  origins: Map<string, string>,
  problems: Problem[],
): void {
  let text: string;
  try {
    text = readFileSync(path.join(directory, configFile), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") {
      problems.push({ path: configFile, message: `cannot be read: ${messageOf(error)}` });
    }
    return;
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    problems.push({ path: configFile, message: `must be JSON: ${messageOf(error)}` });
    return;
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
    problems.push({ path: configFile, message: 'must hold an object, such as {"port": 8080}' });
    return;
  }
  const { $schema: _, ...settings } = parsed as Record<string, unknown>;
  Object.assign(given, structuredClone(settings));
  for (const name of pathsIn(settings, [])) origins.set(name, configFile);
}

function readEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  given: Record<string, unknown>,
  origins: Map<string, string>,
  problems: Problem[],
): void {
  const byVariable = new Map(settingList.map((setting) => [setting.variable, setting]));
  for (const [variable, text] of Object.entries(environment)) {
    if (!variable.startsWith("FX_") || text === undefined || otherVariables.has(variable)) continue;
    if (otherPrefixes.some((prefix) => variable.startsWith(prefix))) continue;
    const setting = byVariable.get(variable);
    if (setting === undefined) {
      problems.push({ path: variable, message: `is not a setting${suggestion(variable, byVariable.keys())}` });
      continue;
    }
    // An empty variable counts as unset, as in shells' own `${NAME:-default}`.
    if (text === "") continue;
    set(given, setting.path, typedValue(setting, text));
    origins.set(setting.path, variable);
  }
}

function readFlags(
  flags: Readonly<Record<string, unknown>>,
  given: Record<string, unknown>,
  origins: Map<string, string>,
  problems: Problem[],
): void {
  const byFlag = new Map(settingList.flatMap((setting) => (setting.flag ? [[setting.flag, setting]] : [])));
  for (const [name, value] of Object.entries(flags)) {
    if (value === undefined) continue;
    const flag = `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    const setting = byFlag.get(flag);
    if (setting === undefined) {
      problems.push({ path: flag, message: `is not a setting${suggestion(flag, byFlag.keys())}` });
      continue;
    }
    set(given, setting.path, typeof value === "string" ? typedValue(setting, value) : value);
    origins.set(setting.path, flag);
  }
}

/** Text that is not of the setting's kind stays text, for the schema to refuse. */
function typedValue(setting: Setting, text: string): unknown {
  if (setting.kind === "number") return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
  if (setting.kind === "boolean") return text === "true" ? true : text === "false" ? false : text;
  return text;
}

function problemsOf(
  issue: z.core.$ZodIssue,
  given: Record<string, unknown>,
  origins: ReadonlyMap<string, string>,
): Problem[] {
  const name = issue.path.map(String).join(".");
  if (issue.code === "unrecognized_keys") {
    const prefix = name === "" ? "" : `${name}.`;
    const known = settingList.flatMap((setting) => groupsAndPath(setting.path));
    return issue.keys.map((key) => {
      const full = prefix + key;
      const origin = origins.get(full) ?? configFile;
      const driver = known.includes(full) ? valueAt(given, `${prefix}driver`) : undefined;
      if (driver !== undefined) {
        return {
          path: origin === configFile ? full : origin,
          message: `is of another driver than ${driver}, which ${prefix}driver is`,
        };
      }
      return { path: full, message: `is not a setting${suggestion(full, known)} (${configFile})` };
    });
  }
  const setting = settingList.find((other) => other.path === name);
  const value = valueAt(given, name);
  // An address may have a password in it, whoever is meant to see it.
  const isHidden = value === undefined || setting?.secret || (typeof value === "string" && value.includes("@"));
  const found = isHidden ? "" : `; found ${JSON.stringify(value)}`;
  const lacking = value === undefined ? issue.message.replace(/^must be (?!given)/, "must be given: ") : issue.message;
  return [{ path: origins.get(name) ?? name, message: `${lacking}${found}` }];
}

function suggestion(word: string, candidates: Iterable<string>): string {
  const near = nearest(word, candidates);
  return near === undefined ? "" : `, did you mean ${near}?`;
}

function groupsAndPath(name: string): string[] {
  const [group, ...rest] = name.split(".");
  return rest.length === 0 ? [name] : [group as string, name];
}

function pathsIn(value: unknown, parents: string[]): string[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [parents.join(".")];
  return Object.entries(value).flatMap(([key, inner]) => pathsIn(inner, [...parents, key]));
}

function valueAt(root: unknown, name: string): unknown {
  return name.split(".").reduce<unknown>((value, part) => (value as Record<string, unknown> | undefined)?.[part], root);
}

function set(root: Record<string, unknown>, name: string, value: unknown): void {
  const parts = name.split(".");
  const last = parts.pop() as string;
  let group = root;
  for (const part of parts) {
    if (typeof group[part] !== "object" || group[part] === null) group[part] = {};
    group = group[part] as Record<string, unknown>;
  }
  group[last] = value;
}
