import type { FastifyInstance } from "fastify";
import { topics } from "../../events/topics.ts";
import { messageOf } from "../../foundation/errors.ts";
import { sha256 } from "../../foundation/hash.ts";
import type { ApiParts } from "./api-parts.ts";
import { HttpRefusal } from "./problem-document.ts";

/** `/healthz`: this process answers. `/readyz`: what it stands on works too. Neither tells anything else. */
export function healthRoutes(
  app: FastifyInstance,
  parts: Pick<ApiParts, "catalog" | "bus" | "artifacts" | "opsData" | "health">,
): void {
  const route = { config: { access: "anyone" as const } };
  app.get("/healthz", { ...route, schema: { tags: ["operations"], summary: "Alive" } }, async () => ({
    status: "alive",
  }));
  app.get(
    "/readyz",
    { ...route, schema: { tags: ["operations"], summary: "Ready to take events, part by part" } },
    async () => {
      const states = await statesOf(parts);
      const broken = Object.entries(states).filter(([, state]) => state !== undefined);
      if (broken.length > 0) {
        const problems = broken.map(([path, state]) => ({ path, message: state ?? "" }));
        const text = problems.map(({ path, message }) => `${path}: ${message}`).join("; ");
        throw new HttpRefusal(503, "unavailable", `not ready: ${text}`, problems);
      }
      return { status: "ready", parts: Object.fromEntries(Object.keys(states).map((name) => [name, "well"])) };
    },
  );
}

/** Asks every store something small. */
async function statesOf(
  parts: Pick<ApiParts, "catalog" | "bus" | "artifacts" | "opsData" | "health">,
): Promise<Record<string, string | undefined>> {
  const { catalog, bus, artifacts, opsData } = parts;
  const probes: Record<string, () => Promise<unknown>> = {
    bus: () => bus.offsets(topics.events),
    catalog: () => catalog.links.epoch(),
    artifacts: () => artifacts.has(sha256("ready?")),
    opsData: () => opsData.highestSeq("none", 1),
  };
  const asked = await Promise.all(
    Object.entries(probes).map(async ([name, probe]): Promise<[string, string | undefined]> => {
      try {
        await probe();
        return [name, undefined];
      } catch (error) {
        return [name, messageOf(error)];
      }
    }),
  );
  return { ...Object.fromEntries(asked), ...(await parts.health?.()) };
}
