import { PlatformError } from "../../foundation/errors.ts";
import type { Json, JsonObject } from "../../foundation/json.ts";
import { limitNames } from "../../services/run-limits.ts";
import { logLevels, type SecretScope, secretScopes } from "../step-runner.ts";
import type { Ask, EmitWords, RetryWords } from "./channel-message.ts";

/** What one frame holds, not looked at yet. */
export type Words = Record<string, unknown>;

/** Whoever runs in the script's process may write to its channel, so nothing in an ask is believed. */
export function readAsk(ask: Words): Ask {
  if (ask.op === "log") {
    const level = logLevels.find((known) => known === ask.level);
    if (!level) throw wrong("level", ask.level, logLevels.join(", "));
    return { op: "log", level, message: text(ask, "message") };
  }
  if (ask.op === "overrun") {
    const limit = limitNames.find((known) => known === ask.limit);
    if (!limit) throw wrong("limit", ask.limit, limitNames.join(", "));
    return { op: "overrun", limit };
  }
  if (ask.op === "imports") return { op: "imports", modules: readModules(ask.modules) };
  const id = ask.id;
  if (typeof id !== "number" || !Number.isSafeInteger(id)) throw wrong("id", id, "a whole number");
  switch (ask.op) {
    case "emit":
      return { id, op: "emit", event: readEvent(ask.event) };
    case "getState":
      return { id, op: "getState" };
    case "putState":
      if (ask.value === undefined) throw wrong("value", ask.value, "a JSON value");
      return { id, op: "putState", key: text(ask, "key"), value: ask.value as Json };
    case "getSecret":
      return { id, op: "getSecret", name: text(ask, "name") };
    case "setSecret":
      if (!isGiven(ask.value)) throw wrong("value", ask.value, "a JSON value other than null");
      return { id, op: "setSecret", name: text(ask, "name"), value: ask.value as Json, scope: readScope(ask.scope) };
    case "retryLater":
      return { id, op: "retryLater", ...readRetryTime(ask), ...readRetryParameters(ask) };
    case "setResult":
      if (ask.value === undefined) throw wrong("value", ask.value, "a JSON value");
      return { id, op: "setResult", value: ask.value as Json };
    default:
      throw wrong("op", ask.op, "emit, getState, putState, getSecret, setSecret, retryLater, setResult, log");
  }
}

const maxModules = 2_000;
const maxModuleNameLength = 100;
const moduleName = /^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$/;

function readModules(value: unknown): string[] {
  const names = Array.isArray(value) ? value : [];
  if (names.length === 0 || names.length > maxModules || !names.every(isModuleName))
    throw wrong("modules", value, `1 to ${maxModules} names of modules`);
  return names;
}

function isModuleName(name: unknown): name is string {
  return typeof name === "string" && name.length <= maxModuleNameLength && moduleName.test(name);
}

function readScope(value: unknown): SecretScope {
  const scope = secretScopes.find((known) => known === value);
  if (!scope) throw wrong("scope", value, secretScopes.join(", "));
  return scope;
}

/** Either a cron expression, or amounts of time that are added up. */
function readRetryTime(ask: Words): RetryWords {
  if (isGiven(ask.cron)) {
    for (const unit of retryUnits) if (isGiven(ask[unit])) throw wrong(unit, ask[unit], "nothing beside cron");
    return { cron: text(ask, "cron"), ...(isGiven(ask.timezone) ? { timezone: text(ask, "timezone") } : {}) };
  }
  const amounts: { minutes?: number; hours?: number; days?: number } = {};
  for (const unit of retryUnits) {
    const amount = ask[unit];
    if (!isGiven(amount)) continue;
    if (typeof amount !== "number" || !Number.isFinite(amount) || amount < 0)
      throw wrong(unit, amount, "a number from 0");
    amounts[unit] = amount;
  }
  if (Object.keys(amounts).length === 0)
    throw wrong("minutes", ask.minutes, "minutes, hours, days or a cron expression");
  return amounts;
}

function readRetryParameters({ parameters }: Words): RetryWords {
  if (!isGiven(parameters)) return {};
  const given = object(parameters, "parameters");
  return Object.keys(given).length === 0 ? {} : { parameters: given as JsonObject };
}

const retryUnits = ["minutes", "hours", "days"] as const;

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}

/** The number to answer under, also of an ask that is otherwise wrong; undefined where there is none. */
export function askIdOf({ id }: Words): number | undefined {
  return typeof id === "number" && Number.isSafeInteger(id) ? id : undefined;
}

/** Throws `invalid-input` for what is no JSON object. */
export function readWords(frame: Buffer): Words {
  try {
    return object(JSON.parse(frame.toString()), "request");
  } catch (cause) {
    throw new PlatformError("invalid-input", "a request on a script's channel is not a JSON object", { cause });
  }
}

function readEvent(value: unknown): EmitWords {
  const event = object(value, "event");
  const words: EmitWords = { type: text(event, "type") };
  for (const name of ["source", "subject", "id", "correlationId"] as const) {
    if (event[name] !== undefined && event[name] !== null) words[name] = text(event, name);
  }
  if (event.data !== undefined) words.data = event.data as Json;
  return words;
}

function object(value: unknown, name: string): Words {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw wrong(name, value, "an object");
  return value as Words;
}

function text(fields: Words, name: string): string {
  const value = fields[name];
  if (typeof value !== "string") throw wrong(name, value, "a string");
  return value;
}

function wrong(name: string, found: unknown, expected: string): PlatformError {
  const shown = JSON.stringify(found)?.slice(0, 100) ?? "nothing";
  return new PlatformError(
    "invalid-input",
    `'${name}' of a request on a script's channel is ${shown}; expected: ${expected}`,
  );
}
