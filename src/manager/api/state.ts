import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { maxStateKeyLength, type StateOwner, type StateValue } from "../../config-store/state-store.ts";
import { encodeStateRecord } from "../../events/state-record.ts";
import { isPlatformError, PlatformError } from "../../foundation/errors.ts";
import type { Json } from "../../foundation/json.ts";
import type { ApiParts } from "./api-parts.ts";
import { listOf, pageQuery } from "./list-query.ts";
import { required } from "./required.ts";
import { unknownService } from "./unknown-service.ts";

const valueAnswer = z.object({ key: z.string(), value: z.unknown(), version: z.int() }).meta({ id: "StateValue" });
const putAnswer = z.object({ items: z.array(valueAnswer) }).meta({ id: "StatePut" });
const params = z.object({ project: z.string(), service: z.string() });
const stateKey = z.string().min(1).max(maxStateKeyLength);

const maxContention = 20;

export function stateRoutes(scope: FastifyInstance, parts: ApiParts): void {
  const app = scope.withTypeProvider<ZodTypeProvider>();
  const { bus, catalog, configStore } = parts;

  app.get(
    "/state/:project/:service",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "getState",
        summary: "What a service's scripts keep from run to run",
        tags: ["configuration"],
        params,
        querystring: z.strictObject(pageQuery),
        response: { 200: listOf(valueAnswer) },
      },
    },
    async ({ params, query: { limit, after } }) => {
      const owner = await requireOwner(params);
      const all = [...(await configStore.state.get(owner))].map(([key, value]) => ({ key, ...value }));
      all.sort((left, right) => (left.key < right.key ? -1 : 1));
      const rest = after === undefined ? all : all.filter(({ key }) => key > after);
      const items = rest.slice(0, limit);
      return { items, next: rest.length > limit ? (items.at(-1)?.key ?? null) : null };
    },
  );

  app.put(
    "/state/:project/:service",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "putState",
        summary: "Set keys of a service's state; other keys stay",
        description:
          "Each key is set by itself, as a script would (rule D11). `expectedVersion`, for one key, sets it only on that version, 0 only where there is none; else 409.",
        tags: ["configuration"],
        params,
        querystring: z.strictObject({ expectedVersion: z.coerce.number().int().min(0).optional() }),
        body: z.record(stateKey, z.unknown()),
        response: { 200: putAnswer },
      },
    },
    async ({ params, query: { expectedVersion }, body }) => {
      const owner = await requireOwner(params);
      const values = Object.entries(body);
      if (expectedVersion !== undefined && values.length !== 1) {
        throw new PlatformError("invalid-input", `expectedVersion is for one key, and the body has ${values.length}`);
      }
      const items = [];
      for (const [key, value] of values)
        items.push({ key, ...(await put(owner, key, value as Json, expectedVersion)) });
      return { items };
    },
  );

  app.delete(
    "/state/:project/:service",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "deleteState",
        summary: "Delete one key of a service's state",
        tags: ["configuration"],
        params,
        querystring: z.strictObject({ key: stateKey }),
        response: { 204: z.undefined() },
      },
    },
    async ({ params, query: { key } }, reply) => {
      const owner = await requireOwner(params);
      const deleted = await deleteState(parts, owner, key);
      if (deleted === 0)
        throw new PlatformError("not-found", `${owner.project}/${owner.service} has no state ${JSON.stringify(key)}`);
      return reply.code(204).send();
    },
  );

  async function requireOwner({ project, service }: { project: string; service: string }): Promise<StateOwner> {
    required(await catalog.services.get(project, service), unknownService(project, service));
    return { project, service };
  }

  /** Stored, then logged, as a script's put is; what a crash keeps from the log the next start appends. */
  async function put(owner: StateOwner, key: string, value: Json, expected: number | undefined): Promise<StateValue> {
    for (let tries = 1; ; tries += 1) {
      const version = expected ?? (await configStore.state.get(owner)).get(key)?.version ?? 0;
      try {
        const stored = await configStore.state.put(owner, key, value, version);
        await bus.publish([encodeStateRecord(owner, key, stored)]);
        return stored;
      } catch (error) {
        // A run put the same key between our look and our write; the later put wins.
        if (!isPlatformError(error, "conflict") || expected !== undefined || tries === maxContention) throw error;
      }
    }
  }
}

/** Deletes one key or all of them, and logs it, so that a replay of the log does not bring them back. Answers how many. */
export async function deleteState(
  { bus, configStore }: Pick<ApiParts, "bus" | "configStore">,
  owner: StateOwner,
  key?: string,
): Promise<number> {
  const deleted = await configStore.state.delete(owner, key);
  if (deleted.length > 0) await bus.publish(deleted.map((one) => encodeStateRecord(owner, one.key, one.entry)));
  return deleted.length;
}
