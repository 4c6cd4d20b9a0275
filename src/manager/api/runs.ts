import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { type CloudEvent, maxAttributeLength } from "../../events/cloud-event.ts";
import { eventDigestOf, eventKeyOf } from "../../events/event-key.ts";
import { runRequestedEvent } from "../../events/platform-events.ts";
import { readCloudEvent } from "../../events/read-cloud-event.ts";
import { PlatformError } from "../../foundation/errors.ts";
import type { EventKey, ExecutionId, VersionId } from "../../foundation/ids.ts";
import type { Json } from "../../foundation/json.ts";
import { concurrencyKeyFor } from "../../services/concurrency-key.ts";
import { fillForm } from "../../services/fill-form.ts";
import type { ParametersForm } from "../../services/parameters-form.ts";
import type { Service, ServiceVersion } from "../../services/service.ts";
import type { ApiParts } from "./api-parts.ts";
import { findEvent } from "./find-event.ts";
import { formOf } from "./parameters.ts";
import type { RecentEvents } from "./recent-events.ts";
import { required } from "./required.ts";
import { unknownService } from "./unknown-service.ts";

export const runAnswer = z.object({ eventKey: z.string(), executionId: z.string() }).meta({ id: "RunRequested" });

const runBody = z
  .strictObject({
    data: z.unknown().optional().meta({ description: "The service's input." }),
    priority: z.int().min(1).max(10).optional(),
    version: z.string().min(1).optional().meta({ description: '"active" (the default), or a version\'s id.' }),
  })
  .nullish();

type Parts = ApiParts & { recent: RecentEvents; closing: AbortSignal };

/** Starts a service by name. */
export function runRoute(scope: FastifyInstance, parts: Parts): void {
  const { catalog, bus, clock, ids, recent, settings } = parts;
  scope.withTypeProvider<ZodTypeProvider>().post(
    "/services/:project/:name/run",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "runService",
        summary: "Run a service now",
        description:
          "With an Idempotency-Key the same request again answers the same run, and starts nothing (rule D17).",
        tags: ["services"],
        params: z.object({ project: z.string(), name: z.string() }),
        headers: z.object({ "idempotency-key": z.string().min(1).max(maxAttributeLength).optional() }),
        body: runBody,
        response: { 202: runAnswer },
      },
    },
    async ({ params: { project, name }, headers, body }, reply) => {
      const service = required(await catalog.services.get(project, name), unknownService(project, name));
      const version = await versionToRun(service, body?.version ?? "active");
      const idempotencyKey = headers["idempotency-key"];
      const event = runRequestedEvent({
        project,
        service: name,
        id: idempotencyKey ?? ids.next(),
        correlationId: ids.next(),
        data: fillParameters(await formOf(parts.artifacts, version), body?.data as Json | undefined),
        now: clock.now(),
      });
      checkEvent(event, settings.limits.eventBytes);
      const key = eventKeyOf(event);
      const former = idempotencyKey === undefined ? undefined : await formerRun(key);
      if (former) {
        refuseOtherRequest(former, event);
      } else {
        requireStartable(service, version);
      }
      const priority = body?.priority ?? service.priority;
      const { executionId, created } = await catalog.runRequests.request({
        id: ids.next() as ExecutionId,
        key,
        event,
        trigger: "manual",
        project,
        service: name,
        version: version.id,
        priority,
        concurrencyKey: concurrencyKeyFor({ project, name }, version.manifest.concurrency_key, event),
      });
      if (created) {
        recent.add(key, { body: Buffer.from(JSON.stringify(event)), acceptedAt: clock.now() });
        for (const channel of ["dispatch", "outbox"] as const) bus.signal(channel);
      } else {
        // One that was asked for at the same moment.
        const other = former ?? (await formerRun(key));
        if (other) refuseOtherRequest(other, event);
        await refuseOtherTerms(executionId, body);
      }
      return reply.code(202).send({ eventKey: key, executionId });
    },
  );

  async function versionToRun(service: Service, wanted: string): Promise<ServiceVersion> {
    const { project, name, activeVersion } = service;
    const id = wanted === "active" ? activeVersion : (wanted as VersionId);
    const version = id === undefined ? undefined : await catalog.services.version(id);
    if (version?.project === project && version.name === name) return version;
    if (wanted !== "active") throw new PlatformError("not-found", `${project}/${name} has no version "${wanted}"`);
    throw new PlatformError("conflict", `${project}/${name} has no version to run: deploy one`);
  }

  async function formerRun(key: EventKey): Promise<CloudEvent | undefined> {
    const found = await findEvent(parts, key, 0, parts.closing);
    return found?.event as CloudEvent | undefined;
  }

  async function refuseOtherTerms(id: ExecutionId, body: z.output<typeof runBody>): Promise<void> {
    const execution = await catalog.executions.get(id);
    if (execution === undefined) return;
    const priorityDiffers = body?.priority !== undefined && body.priority !== execution.priority;
    const wanted = body?.version === "active" ? undefined : body?.version;
    if (priorityDiffers || (wanted !== undefined && wanted !== execution.version)) throw keyUsedTwice();
  }
}

/** Throws `invalid-input` with each parameter that is not as the service's form wants it. */
function fillParameters(form: ParametersForm | undefined, data: Json | undefined): Json | undefined {
  if (form === undefined) return data;
  const given = data ?? {};
  // Values of a form are an object; what is none is not meant for it.
  if (typeof given !== "object" || Array.isArray(given)) return data;
  const filled = fillForm(form, given);
  if (filled.ok) return filled.data;
  const problems = filled.problems.map(({ path, message }) => ({ path: `body.data.${path}`, message }));
  const text = filled.problems.map(({ path, message }) => `${path} ${message}`).join("; ");
  throw new PlatformError("invalid-input", `the parameters do not fit the service's form: ${text}`, { problems });
}

export function requireStartable({ project, name, active }: Service, { manifest }: ServiceVersion): void {
  if (!active) {
    throw new PlatformError(
      "conflict",
      `${project}/${name} is switched off: fx services change ${project}/${name} --on`,
    );
  }
  if (!manifest.allow_manual_triggering) {
    throw new PlatformError(
      "conflict",
      `${project}/${name} is not run by hand: its manifest says "allow_manual_triggering": false`,
    );
  }
}

/** What runs must be an event like every other: the router would set it aside. */
function checkEvent(event: CloudEvent, eventBytes: number): void {
  const reading = readCloudEvent(event);
  if (!reading.ok) {
    const problems = reading.problems.map(({ path, message }) => ({
      path: path === "id" ? "headers.idempotency-key" : `body.${path}`,
      message,
    }));
    const text = problems.map(({ path, message }) => `${path}: ${message}`).join("; ");
    throw new PlatformError("invalid-input", `the run cannot be asked for: ${text}`, { problems });
  }
  const sizeBytes = Buffer.byteLength(JSON.stringify(event));
  if (sizeBytes > eventBytes) {
    throw new PlatformError(
      "limit-exceeded",
      `the run's input is too large: ${sizeBytes} bytes as an event, at most ${eventBytes} (setting limits.eventBytes)`,
    );
  }
}

function refuseOtherRequest(former: CloudEvent, event: CloudEvent): void {
  if (eventDigestOf(former) !== eventDigestOf(event)) throw keyUsedTwice();
}

function keyUsedTwice(): PlatformError {
  return new PlatformError(
    "conflict",
    "this Idempotency-Key was used for another request: take a new key for a new run",
  );
}
