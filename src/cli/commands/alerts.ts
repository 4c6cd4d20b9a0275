import { type Command, Option } from "commander";
import {
  type ConditionOptions,
  conditionText,
  kindNames,
  readCondition,
  withCondition,
} from "../alerts/read-condition.ts";
import { CliError, usageError } from "../cli-error.ts";
import type { Client } from "../connection/client.ts";
import type { AlertAnswer, AlertRuleAnswer, AlertTrial } from "../connection/wire.ts";
import { type Session, withSession } from "../session.ts";
import type { Column } from "../terminal/column.ts";
import { wholeNumber } from "../terminal/read-options.ts";
import { clockText, countText, durationText, elapsedMs } from "../terminal/times.ts";

const rulesPath = "/api/v1/alerts/rules";

const columns: Column<AlertAnswer>[] = [
  { title: "state", of: ({ resolvedAt }, paint) => (resolvedAt ? "resolved" : paint("red", "open")) },
  { title: "severity", of: ({ severity }) => severity },
  { title: "rule", of: ({ rule }) => rule },
  { title: "about", of: ({ subject }) => subject },
  { title: "raised", of: ({ raisedAt }) => clockText(raisedAt, Date.now()) },
  { title: "lasted", of: ({ raisedAt, resolvedAt }) => lastedText(raisedAt, resolvedAt) },
  { title: "what", of: ({ summary }) => summary },
];

const ruleColumns: Column<AlertRuleAnswer>[] = [
  { title: "rule", of: ({ name }) => name },
  { title: "project", of: ({ project }) => project ?? "(all)" },
  { title: "severity", of: ({ severity }) => severity },
  { title: "state", of: ({ active }, paint) => (active ? "on" : paint("yellow", "off")) },
  { title: "watches for", of: ({ condition }) => conditionText(condition) },
];

interface RuleOptions extends ConditionOptions {
  project?: string;
  severity?: string;
  description?: string;
  off?: boolean;
  on?: boolean;
}

const severity = () => new Option("--severity <severity>", "how bad it is").choices(["info", "warning", "critical"]);

export function defineAlerts(program: Command): Command {
  const alerts = program.command("alerts").description("what is watched, and what was found");
  alerts
    .command("list", { isDefault: true })
    .description("alerts that were raised, the newest first (the default: `fx alerts`)")
    .option("--open", "those that are not resolved")
    .option("--project <project>", "that one project sees")
    .option("--rule <rule>", "of one rule")
    .option("--limit <count>", "at most so many", wholeNumber(1, 100_000), 50)
    .action(withSession(list));
  alerts
    .command("rules")
    .description("what is watched for")
    .option("--project <project>", "of one project")
    .action(withSession(listRules));
  withCondition(alerts.command("add"))
    .description("watch for something, from now on")
    .argument("<rule>", "a name for the rule")
    .argument("<kind>", kindNames.join(", "))
    .option("--project <project>", "services, events and lines of this project alone (all)")
    .addOption(severity().default("warning"))
    .option("--description <text>", "what to do about it, for whoever is told")
    .option("--off", "make it switched off")
    .action(withSession(add));
  alerts.command("show").description("one rule").argument("<rule>", "its name").action(withSession(show));
  withCondition(alerts.command("change"))
    .description("change a rule; one that watches for something else begins anew")
    .argument("<rule>", "its name")
    .argument("[kind]", "what to watch for from now on, with its options")
    .addOption(new Option("--on", "switch it on").conflicts("off"))
    .option("--off", "switch it off")
    .addOption(severity())
    .option("--description <text>", "what to do about it")
    .action(withSession(change));
  alerts
    .command("remove")
    .description("remove a rule; its open alerts are resolved")
    .argument("<rule>", "its name")
    .action(withSession(remove));
  withCondition(alerts.command("try"))
    .description("what a rule would have raised in the last hours; nothing is sent")
    .argument("<kind>", kindNames.filter((kind) => kind !== "lateness").join(", "))
    .option("--project <project>", "services, events and lines of this project alone (all)")
    .option("--hours <hours>", "how far back", wholeNumber(1, 24 * 31), 24)
    .action(withSession(tryRule));
  return alerts;
}

async function list(
  { api, terminal }: Session,
  { open, project, rule, limit }: { open?: boolean; project?: string; rule?: string; limit: number },
): Promise<void> {
  const ruleId = rule === undefined ? undefined : (await ruleNamed(api, rule)).id;
  const query = { open: open ? "true" : undefined, project, ruleId };
  const { items } = await api.list<AlertAnswer>("/api/v1/alerts", query, limit);
  await terminal.list(
    items,
    columns,
    open ? "no alert is open" : "no alert was raised: `fx alerts rules` shows the rules",
  );
}

async function listRules({ api, terminal }: Session, { project }: { project?: string }): Promise<void> {
  const { items } = await api.list<AlertRuleAnswer>(rulesPath, { project }, 10_000);
  await terminal.list(items, ruleColumns, "nothing is watched yet: `fx alerts add failing failure-rate`");
}

async function add({ api, terminal }: Session, name: string, kind: string, options: RuleOptions): Promise<void> {
  const { project, severity, description, off } = options;
  const { body } = await api.send<AlertRuleAnswer>("POST", rulesPath, {
    json: {
      name,
      severity,
      active: !off,
      condition: readCondition(kind, options),
      ...(project === undefined ? {} : { project }),
      ...(description === undefined ? {} : { description }),
    },
  });
  await terminal.one(
    body,
    () => `${body.name} watches for ${conditionText(body.condition)}${off ? "  (switched off)" : ""}`,
  );
  terminal.next("fx link fx.alert.raised <service>");
}

async function show({ api, terminal }: Session, name: string): Promise<void> {
  const rule = await ruleNamed(api, name);
  const { tableText } = await import("../terminal/table.ts");
  await terminal.one(rule, () => {
    const more = [rule.description ?? "", `watches since ${clockText(rule.since, Date.now())}`];
    return [tableText([rule], ruleColumns, terminal.paint), ...more.filter((line) => line !== "")].join("\n");
  });
  terminal.next(`fx alerts --rule ${name}`);
}

async function change(
  { api, terminal }: Session,
  name: string,
  kind: string | undefined,
  options: RuleOptions,
): Promise<void> {
  const { on, off, severity, description } = options;
  const json = {
    ...(kind === undefined ? {} : { condition: readCondition(kind, options) }),
    ...(on || off ? { active: on === true } : {}),
    ...(severity === undefined ? {} : { severity }),
    ...(description === undefined ? {} : { description }),
  };
  if (Object.keys(json).length === 0) throw usageError("nothing to change was named", "fx alerts change --help");
  const { id } = await ruleNamed(api, name);
  const { body } = await api.send<AlertRuleAnswer>("PATCH", `${rulesPath}/${id}`, { json });
  const { tableText } = await import("../terminal/table.ts");
  await terminal.one(body, () => tableText([body], ruleColumns, terminal.paint));
}

async function remove({ api, terminal }: Session, name: string): Promise<void> {
  const { id } = await ruleNamed(api, name);
  await api.send("DELETE", `${rulesPath}/${id}`);
  await terminal.one({ removed: name }, () => `removed rule ${name}`);
}

async function tryRule(
  { api, terminal }: Session,
  kind: string,
  options: RuleOptions & { hours: number },
): Promise<void> {
  const { project, hours } = options;
  const { body } = await api.send<AlertTrial>("POST", "/api/v1/alerts/try", {
    json: { condition: readCondition(kind, options), hours, ...(project === undefined ? {} : { project }) },
  });
  await terminal.one(body, () => trialText(body));
}

function trialText({ alerts, seen, from, complete }: AlertTrial): string {
  const lines = alerts.map(({ subject, raisedAt, resolvedAt, summary }) => {
    return `  ${clockText(raisedAt, Date.now())}  ${subject}  ${lastedText(raisedAt, resolvedAt)}  ${summary}`;
  });
  const part = complete ? "" : `; only what came after ${clockText(from, Date.now())} was looked at`;
  return [`${countText(alerts.length, "alert")} would have been raised by ${seen} things seen${part}`, ...lines].join(
    "\n",
  );
}

function lastedText(raisedAt: string, resolvedAt: string | null | undefined): string {
  return resolvedAt ? durationText(elapsedMs(raisedAt, resolvedAt) ?? 0) : "";
}

async function ruleNamed(api: Client, name: string): Promise<AlertRuleAnswer> {
  const { items } = await api.list<AlertRuleAnswer>(rulesPath, {}, 10_000);
  const found = items.find((rule) => rule.name === name);
  if (found) return found;
  throw new CliError({ what: `there is no alert rule ${name}`, fix: "fx alerts rules", exit: "notFound" });
}
