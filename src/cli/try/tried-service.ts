import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "../../foundation/errors.ts";
import type { Json, JsonObject } from "../../foundation/json.ts";
import { usageError } from "../cli-error.ts";

/** What the service under trial is given, from the files beside its scripts. */
export interface Beside {
  params: JsonObject | undefined;
  config: JsonObject;
  secrets: JsonObject;
  state: JsonObject;
}

/** `ef_env.json` and `ef_package_state.json`, as the SDKs' local mode keeps them. */
export function readBeside(directory: string): Beside {
  const environment = readObject(join(directory, "ef_env.json")) ?? {};
  const part = (name: string) => objectOf(environment[name]);
  const { package_name: _, package_id: __, ...params } = part("params") ?? {};
  return {
    params: Object.keys(params).length > 0 ? params : undefined,
    config: part("config") ?? {},
    secrets: part("secrets") ?? {},
    state: readObject(join(directory, "ef_package_state.json")) ?? {},
  };
}

/**
 * The manifest for one run by itself: nothing but the trial starts it, and its first failure is the
 * answer. One that cannot be read is left as it is, so that the deploy says what is wrong with it.
 */
export function manifestOfTrial(directory: string): string | undefined {
  const file = join(directory, "manifest.json");
  if (!existsSync(file)) return undefined;
  try {
    const manifest: unknown = JSON.parse(readFileSync(file, "utf8").replace(/^\ufeff/, ""));
    const object = objectOf(manifest as Json);
    if (object === undefined) return undefined;
    const { schedule: _, ...kept } = object;
    return JSON.stringify({ ...kept, trigger_events: [], retries: 0, active: true, allow_manual_triggering: true });
  } catch {
    return undefined;
  }
}

/** The file's JSON; undefined where there is none. Throws a usage error for anything but an object. */
export function readObject(file: string): JsonObject | undefined {
  if (!existsSync(file)) return undefined;
  let value: Json;
  try {
    value = JSON.parse(readFileSync(file, "utf8")) as Json;
  } catch (error) {
    throw usageError(`${file} is not JSON: ${messageOf(error)}`);
  }
  const object = objectOf(value);
  if (object === undefined) throw usageError(`${file} must hold a JSON object`);
  return object;
}

function objectOf(value: Json | undefined): JsonObject | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value : undefined;
}
