import type { CloudEvent } from "../../events/cloud-event.ts";
import { isReservedType } from "../../events/reserved-types.ts";
import type { JsonObject } from "../../foundation/json.ts";
import { defaultProject } from "../../services/service-ref.ts";
import { CliError } from "../cli-error.ts";
import type { Client } from "../connection/client.ts";
import type { EventAnswer, ExecutionDetail, JobAnswer, LogAnswer, Time } from "../connection/wire.ts";
import { deployService } from "../deploy/deploy-service.ts";
import type { ServiceDirectory } from "../deploy/find-services.ts";
import { manifestOfTrial, readBeside } from "./tried-service.ts";

export interface Trial {
  status: ExecutionDetail["status"];
  error: ExecutionDetail["error"];
  steps: { script: string; exitCode: number | null; output: string; truncated: boolean }[];
  /** As it would have been routed; here nothing answers. */
  emitted: CloudEvent[];
  /** The service's state after the run. */
  state: JsonObject;
  /** When it would run again, as its scripts asked for. */
  later: Time[];
  warnings: string[];
}

export interface TrialOptions {
  /** The trigger: a whole event, or the parameters of a run by hand. */
  trigger: { event: CloudEvent } | { params: JsonObject | undefined };
  /** Told how packages are installed, a line at a time. */
  onInstall(line: string): void;
  /** Told of each record while the service runs. */
  onLog(record: LogAnswer): void;
}

/** Deploys a directory to a platform that nobody else uses, runs it once and tells what it did. */
export async function tryService(api: Client, service: ServiceDirectory, options: TrialOptions): Promise<Trial> {
  const manifest = manifestOfTrial(service.path);
  const replaced = manifest === undefined ? {} : { "manifest.json": manifest };
  const report = await deployService(api, service, defaultProject, { replaced, onInstall: options.onInstall });
  if (report.outcome === "refused") {
    throw new CliError({ what: `${service.name} cannot be run`, problems: report.problems, exit: "refused" });
  }
  const beside = readBeside(service.path);
  await layOut(api, service.name, beside);
  const id = await start(api, service.name, options.trigger, beside.params);
  const path = `/api/v1/executions/${id}`;
  for await (const { data, event } of api.events(`${path}/logs`, {})) {
    if (event === "end") break;
    options.onLog(JSON.parse(data) as LogAnswer);
  }
  const [detail, state, jobs] = await Promise.all([
    api.get<ExecutionDetail>(path),
    api.list<{ key: string; value: JsonObject[string] }>(statePath(service.name), {}, 100_000),
    api.list<JobAnswer>("/api/v1/schedules/jobs", {}, 100),
  ]);
  return {
    status: detail.status,
    error: detail.error ?? null,
    steps: detail.steps.map(({ script, exitCode, output }) => ({
      script,
      exitCode: exitCode ?? null,
      output: output.preview,
      truncated: output.truncated,
    })),
    emitted: detail.emitted.map(({ event }) => event),
    state: Object.fromEntries(state.items.map(({ key, value }) => [key, value])),
    later: jobs.items.map(({ at }) => at),
    warnings: report.warnings,
  };
}

async function layOut(api: Client, name: string, { config, secrets, state }: ReturnType<typeof readBeside>) {
  const scope = `service:${defaultProject}/${name}`;
  for (const [key, value] of Object.entries(config)) {
    await api.send("PUT", `/api/v1/config/service/${defaultProject}/${name}/${encodeURIComponent(key)}`, {
      json: value,
    });
  }
  for (const [secret, value] of Object.entries(secrets)) {
    const query = { scope, name: secret };
    await api.send("PUT", "/api/v1/secrets", { query, json: { value } });
  }
  if (Object.keys(state).length > 0) await api.send("PUT", statePath(name), { json: state });
}

/** Answers the execution's id. */
async function start(
  api: Client,
  name: string,
  trigger: TrialOptions["trigger"],
  params: JsonObject | undefined,
): Promise<string> {
  const event = "event" in trigger ? trigger.event : undefined;
  // The platform's own events cannot be sent; their data can be given.
  if (event === undefined || isReservedType(event.type)) {
    const data = event === undefined ? ((trigger as { params?: JsonObject }).params ?? params) : event.data;
    const path = `/api/v1/services/${defaultProject}/${name}/run`;
    const { body } = await api.send<{ executionId: string }>("POST", path, { json: { data: data ?? {} } });
    return body.executionId;
  }
  // Only this very event: what the service emits must not start it again.
  const filter = `event.id == ${JSON.stringify(event.id)} && event.source == ${JSON.stringify(event.source)}`;
  const link = { project: defaultProject, service: name, eventType: event.type, filter };
  await api.send("POST", "/api/v1/links", { json: link });
  const { body } = await api.send<{ accepted: { key: string }[] }>("POST", "/api/v1/events", {
    body: Buffer.from(JSON.stringify(event)),
    headers: { "content-type": "application/cloudevents+json" },
  });
  const key = body.accepted[0]?.key ?? "";
  const answer = await api.get<EventAnswer>(`/api/v1/events/${key}`, { wait: 10_000 });
  const started = answer.links.find(({ executionId }) => executionId);
  if (started?.executionId) return started.executionId;
  throw new CliError({
    what: `the event did not start ${name}`,
    why: answer.reason ?? answer.links[0]?.reason ?? undefined,
    exit: "refused",
  });
}

function statePath(name: string): string {
  return `/api/v1/state/${defaultProject}/${name}`;
}
