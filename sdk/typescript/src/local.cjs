"use strict";
// EF_ENV=local: answers as the platform would, from two files beside the script. Loaded in that mode only.
const { existsSync, readFileSync, renameSync, writeFileSync } = require("node:fs");
const { basename, dirname, join, resolve } = require("node:path");
const { FxError, encode } = require("./channel.cjs");

const scopes = ["service", "project", "platform"];
const unitSeconds = { minutes: 60, hours: 3600, days: 86_400 };
const form = '{"params": {...}, "secrets": {...}, "config": {...}}';

/** Speaks like `Channel`. Tells what a platform would do on stderr, in lines that begin with `[fx]`. */
class LocalChannel {
  #envPath;
  #statePath;
  #events = 0;
  #ownIds = new Map();
  #jobs = 0;

  constructor() {
    const directory = scriptDirectory();
    this.#envPath = join(directory, "ef_env.json");
    this.#statePath = join(directory, "ef_package_state.json");
    makeIfMissing(this.#envPath, { params: {}, secrets: {}, config: {} });
    makeIfMissing(this.#statePath, {});
    const env = this.#readEnv();
    // Told by params in these files; on the platform they are not among the event's data.
    const { package_name, package_id, ...params } = env.params;
    const name = package_name || basename(directory);
    const event = { specversion: "1.0", id: "local", source: "/local", type: "fx.service.run_requested" };
    this.welcome = {
      context: {
        params,
        config: env.config,
        event: { ...event, ...env.event, data: params },
        previous: env.previous ?? null,
        service: { project: "local", name, id: package_id || `local/${name}` },
        execution: { id: "local", attempt: 1, step: 1, replay: false, original: null },
      },
    };
  }

  async request(op, fields) {
    // What could not travel to a platform is refused here too.
    return this[op](JSON.parse(encode(fields).toString()));
  }

  tell(_op, { level, message }) {
    tell(`${level}: ${message}`);
  }

  emit({ event }) {
    for (const name of ["type", "source", "subject", "id", "correlationId"]) {
      if (name in event) demand(name, typeof event[name] === "string", event[name], "a string");
    }
    if (`${event.type.toLowerCase()}.`.startsWith("fx.")) {
      throw new FxError("forbidden", `'${event.type}': types that begin with 'fx.' are the platform's own`);
    }
    if (event.id !== undefined) this.#useOwnId(event);
    this.#events += 1;
    tell(`would send ${event.type}: ${JSON.stringify(event)}`);
    return { id: event.id ?? `local-event-${this.#events}` };
  }

  #useOwnId({ id, source, type, subject, data }) {
    const key = JSON.stringify([source, id]);
    const content = JSON.stringify([type, subject, data]);
    const former = this.#ownIds.get(key) ?? content;
    this.#ownIds.set(key, former);
    if (former === content) return;
    throw new FxError("conflict", `the id '${id}' names another event of this run: an id names one event`);
  }

  getState() {
    return read(this.#statePath, "{}");
  }

  putState({ key, value }) {
    demand("key", typeof key === "string", key, "a string");
    demand("value", value !== undefined, value, "a JSON value");
    write(this.#statePath, { ...this.getState(), [key]: value });
  }

  getSecret({ name }) {
    demand("name", typeof name === "string", name, "a string");
    const { secrets } = this.#readEnv();
    return Object.hasOwn(secrets, name) ? secrets[name] : null;
  }

  setSecret({ name, value, scope }) {
    demand("name", typeof name === "string", name, "a string");
    demand("value", (value ?? null) !== null, value, "a JSON value other than null");
    demand("scope", scopes.includes(scope), scope, scopes.join(", "));
    const env = this.#readEnv();
    write(this.#envPath, { ...env, secrets: { ...env.secrets, [name]: value } });
    tell(`stored the secret ${name} in ${this.#envPath} (would be of scope ${scope})`);
  }

  retryLater({ cron, timezone = "UTC", parameters, ...amounts }) {
    demand("parameters", parameters === undefined || isObject(parameters), parameters, "an object");
    let when = `at the next time of '${cron}' in ${timezone}`;
    if (cron !== undefined) demand("cron", typeof cron === "string", cron, "a string");
    else {
      const given = Object.entries(amounts);
      demand("minutes", given.length > 0, null, "minutes, hours, days or a cron expression");
      let seconds = 0;
      for (const [unit, amount] of given) {
        demand(unit, typeof amount === "number" && amount >= 0, amount, "a number from 0");
        seconds += amount * unitSeconds[unit];
      }
      when = `in ${seconds} seconds`;
    }
    this.#jobs += 1;
    const hasParameters = Object.keys(parameters ?? {}).length > 0;
    tell(`would run again ${when}${hasParameters ? ` with ${JSON.stringify(parameters)}` : ""}`);
    return { jobId: `local-job-${this.#jobs}` };
  }

  setResult({ value }) {
    demand("value", value !== undefined, value, "a JSON value");
    tell(`offers the next step: ${JSON.stringify(value)}`);
  }

  #readEnv() {
    const env = { params: {}, secrets: {}, config: {}, ...read(this.#envPath, form) };
    for (const name of ["params", "secrets", "config", "event"]) {
      if (name in env && !isObject(env[name])) {
        throw new FxError("invalid-input", `'${name}' in ${this.#envPath} is not an object; the file holds ${form}`);
      }
    }
    return env;
  }
}

function scriptDirectory() {
  const script = process.argv[1];
  // Started by a test runner or in a shell there is no script of the person's own.
  if (script === undefined || /[/\\]node_modules[/\\]/.test(script)) return process.cwd();
  return dirname(resolve(script));
}

function read(path, expected) {
  let value;
  try {
    value = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new FxError("invalid-input", `${path} is not JSON: ${error.message}; it holds ${expected}`);
  }
  if (isObject(value)) return value;
  throw new FxError("invalid-input", `${path} is not a JSON object; it holds ${expected}`);
}

function makeIfMissing(path, value) {
  if (existsSync(path)) return;
  write(path, value);
  tell(`made ${path}`);
}

function write(path, value) {
  // Whole or not at all, for a script that is stopped in the middle.
  const fresh = `${path}.${process.pid}`;
  writeFileSync(fresh, `${JSON.stringify(value, null, 2)}\n`);
  renameSync(fresh, path);
}

function tell(text) {
  process.stderr.write(`[fx] ${text}\n`);
}

function demand(name, holds, found, expected) {
  if (!holds) throw new FxError("invalid-input", `'${name}' is ${JSON.stringify(found)}; expected: ${expected}`);
}

function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

module.exports = { LocalChannel };
