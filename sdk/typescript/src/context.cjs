"use strict";
// Loaded when a script asks for its context: the declarations and their meaning are in index.d.ts.
const { FxError } = require("./channel.cjs");

const levels = ["debug", "info", "warning", "error", "critical"];
const optionNames = ["data", "source", "subject", "id", "correlationId"];

function createContext(channel) {
  const { params, config, event, previous, service, execution } = channel.welcome.context;
  // Local runs may give an id of their own.
  const named = Object.freeze({ name: service.name, id: service.id ?? `${service.project}/${service.name}` });
  return Object.freeze({
    params: values(params),
    config: values(config),
    event,
    previous,
    service: named,
    package: named,
    execution: Object.freeze({ id: execution.id, attempt: execution.attempt, step: execution.step }),
    events: Object.freeze({
      async send(...given) {
        return (await channel.request("emit", { event: readSend(given) })).id;
      },
    }),
    state: Object.freeze({
      async get(key) {
        const all = await channel.request("getState", {});
        if (key === undefined) return all;
        return Object.hasOwn(all, key) ? all[key] : undefined;
      },
      async put(key, value) {
        await channel.request("putState", { key, value });
      },
    }),
    secrets: Object.freeze({
      async get(name, fallback) {
        return (await channel.request("getSecret", { name })) ?? fallback;
      },
      async set(name, value, scope) {
        await channel.request("setSecret", { name, value, scope });
      },
    }),
    scheduler: Object.freeze({
      async retry(when) {
        return (await channel.request("retryLater", readRetry(when))).jobId;
      },
    }),
    async result(value) {
      await channel.request("setResult", { value });
    },
    logging: createLogging(channel),
  });
}

function readRetry({ minutes, hours, days, cronExpression, timezone, parameters } = {}) {
  if (cronExpression) return { cron: cronExpression, timezone, parameters };
  // None of an amount is as good as not naming it.
  return { minutes: minutes || undefined, hours: hours || undefined, days: days || undefined, parameters };
}

function values(given) {
  const get = (name, fallback) => (Object.hasOwn(given, name) ? given[name] : fallback);
  return Object.freeze({ get, has: (name) => Object.hasOwn(given, name), all: () => ({ ...given }) });
}

function readSend([type, ...rest]) {
  if (typeof type !== "string") throw new TypeError("send takes the event's type, a string, first");
  if (rest.length >= 2) return withTexts({ type, source: rest[0] ?? undefined, data: rest[1] });
  const [only] = rest;
  return isOptions(only) ? withTexts({ ...only, type }) : { type, data: only };
}

function withTexts(event) {
  const wrong = ["source", "subject", "id", "correlationId"].find(
    (name) => event[name] !== undefined && typeof event[name] !== "string",
  );
  if (wrong === undefined) return event;
  const found = Array.isArray(event[wrong]) ? "array" : event[wrong] === null ? "null" : typeof event[wrong];
  const forms =
    "send(type, data), send(type, source, data) or send(type, { data, source, subject, id, correlationId })";
  throw new FxError("invalid-input", `the event's ${wrong} must be a string, not ${found}: ${forms}`);
}

function isOptions(value) {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const keys = Object.keys(value);
  return keys.every((key) => optionNames.includes(key)) && keys.some((key) => key !== "data");
}

function createLogging(channel) {
  let lowest = 0;
  const logging = {
    setLevel(level) {
      const rank = levels.indexOf(String(level).toLowerCase());
      if (rank < 0) throw new RangeError(`no log level is named '${level}'; there are ${levels.join(", ")}`);
      lowest = rank;
    },
  };
  for (const [rank, level] of levels.entries()) {
    logging[level] = (...parts) => {
      if (rank < lowest) return;
      const message =
        parts.length === 1 && typeof parts[0] === "string" ? parts[0] : require("node:util").format(...parts);
      channel.tell("log", { level, message });
    };
  }
  return Object.freeze(logging);
}

/** All that `@streamzero/fx` exports, of one context. */
function createSdk(context) {
  const getParam = (name, fallback) => {
    const { id, name: own } = context.service;
    const ours = { service_name: own, package_name: own, package_id: id };
    return Object.hasOwn(ours, name) ? ours[name] : context.params.get(name, fallback);
  };
  const getSecret = (name, fallback) => context.secrets.get(name, fallback);
  return { context, FxError, getParam, getSecret };
}

module.exports = { createContext, createSdk };
