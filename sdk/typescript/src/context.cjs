"use strict";
// Loaded when a script asks for its context: the declarations and their meaning are in index.d.ts.
const { FxError } = require("./channel.cjs");

const levels = ["debug", "info", "warning", "error", "critical"];
const sendOptions = ["source", "subject", "id", "correlationId"];
const sendForm = "send(type, data, { source, subject, id, correlationId })";
const retryOptions = ["minutes", "hours", "days", "cronExpression", "timezone", "parameters"];
const retryForm = "retry({ minutes, hours, days }) or retry({ cronExpression, timezone }), with parameters";

function createContext(channel) {
  const { params, config, event, previous, service } = channel.welcome.context;
  const { id, attempt, step, replay, original } = channel.welcome.context.execution;
  // Local runs may give an id of their own.
  const named = Object.freeze({ name: service.name, id: service.id ?? `${service.project}/${service.name}` });
  return Object.freeze({
    params: values(params),
    config: values(config),
    event,
    previous,
    service: named,
    package: named,
    execution: Object.freeze({ id, attempt, step, replay, original }),
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

function readRetry(when) {
  const { minutes, hours, days, cronExpression, timezone, parameters } = readOptions(when, retryOptions, retryForm);
  if (cronExpression) return { cron: cronExpression, timezone, parameters };
  // None of an amount is as good as not naming it.
  return { minutes: minutes || undefined, hours: hours || undefined, days: days || undefined, parameters };
}

function values(given) {
  const get = (name, fallback) => (Object.hasOwn(given, name) ? given[name] : fallback);
  return Object.freeze({ get, has: (name) => Object.hasOwn(given, name), all: () => ({ ...given }) });
}

/** What stands in the second place is data, whatever it looks like: it must not be lost for the names that it has. */
function readSend([type, data, options, ...more]) {
  if (more.length > 0)
    throw wrongUse(`send takes a type, data and options; ${more.length + 3} values were given`, sendForm);
  if (typeof data === "function" || typeof data === "symbol") {
    throw wrongUse(`the event's data must be a JSON value, not ${typeof data}`, sendForm);
  }
  const event = { ...readOptions(options, sendOptions, sendForm), type };
  for (const name of ["type", ...sendOptions]) {
    if (typeof event[name] === "string" || (event[name] === undefined && name !== "type")) continue;
    throw wrongUse(`the event's ${name} must be a string, not ${kindOf(event[name])}`, sendForm);
  }
  return data === undefined ? event : { ...event, data };
}

function readOptions(options, names, form) {
  if (options === undefined) return {};
  if (kindOf(options) !== "object") throw wrongUse(`options are an object, not ${kindOf(options)}`, form);
  const unknown = Object.keys(options).find((name) => !names.includes(name));
  if (unknown !== undefined) throw wrongUse(`there is no option '${unknown}'; there are ${names.join(", ")}`, form);
  return options;
}

function kindOf(value) {
  return Array.isArray(value) ? "array" : value === null ? "null" : typeof value;
}

function wrongUse(what, form) {
  return new FxError("invalid-input", `${what}: ${form}`);
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
