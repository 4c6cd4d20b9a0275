import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import type { PartitionTotals } from "../../catalog/ledger.ts";
import { topics } from "../../events/topics.ts";
import type { ApiParts } from "./api-parts.ts";

const partitionAccount = z
  .object({
    topic: z.string(),
    partition: z.int(),
    accepted: z.int().meta({ description: "Records that the bus took since the beginning." }),
    routed: z.int().meta({ description: "Records that routing has covered." }),
    matched: z.int(),
    unmatched: z.int(),
    duplicate: z.int(),
    rejected: z.int(),
    counted: z.int().meta({ description: "Lifecycle events that no link wants: counted, not stored." }),
    passed: z.int().meta({ description: "Offsets that hold no event, as where transactions of outside programs end." }),
    pending: z.int().meta({ description: "Accepted, and waiting for the router." }),
    balanced: z.boolean().meta({ description: "Every routed record has exactly one outcome." }),
  })
  .meta({ id: "PartitionAccount" });

type PartitionAccount = z.output<typeof partitionAccount>;

const reconcileAnswer = z
  .object({
    balanced: z.boolean(),
    pending: z.int(),
    partitions: z.array(partitionAccount),
  })
  .meta({ id: "Reconciliation" });

/** Does what the ledger says add up to what the bus took (rule D15). */
export function ledgerRoutes(scope: FastifyInstance, parts: Pick<ApiParts, "catalog" | "bus">): void {
  scope.withTypeProvider<ZodTypeProvider>().get(
    "/ledger/reconcile",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "reconcileLedger",
        summary: "Compare the ledger with the backbone, partition by partition",
        tags: ["operations"],
        response: { 200: reconcileAnswer },
      },
    },
    async () => {
      const partitions = await accounts(parts);
      return {
        balanced: partitions.every(({ balanced }) => balanced),
        pending: partitions.reduce((sum, { pending }) => sum + pending, 0),
        partitions,
      };
    },
  );
}

export async function accounts({ catalog, bus }: Pick<ApiParts, "catalog" | "bus">): Promise<PartitionAccount[]> {
  // The ledger first: what is routed in between shows as pending, never as routed without having been accepted.
  const totals = new Map((await catalog.ledger.totals()).map((total) => [`${total.topic}/${total.partition}`, total]));
  const found: PartitionAccount[] = [];
  for (const topic of [topics.events, topics.platform]) {
    for (const { partition, next } of await bus.offsets(topic)) {
      found.push(accountOf(topic, partition, next, totals.get(`${topic}/${partition}`)));
      totals.delete(`${topic}/${partition}`);
    }
  }
  // What the ledger counted of partitions that the bus does not have was never accepted.
  for (const total of totals.values()) {
    if (total.topic === topics.events || total.topic === topics.platform) {
      found.push(accountOf(total.topic, total.partition, 0, total));
    }
  }
  return found;
}

function accountOf(
  topic: string,
  partition: number,
  accepted: number,
  total: PartitionTotals | undefined,
): PartitionAccount {
  const { matched = 0, unmatched = 0, duplicate = 0, rejected = 0, counted = 0, passed = 0 } = total ?? {};
  const routed = total ? total.toOffset - total.fromOffset : 0;
  const pending = accepted - (total?.toOffset ?? 0);
  const outcomes = matched + unmatched + duplicate + rejected + counted + passed;
  const balanced = outcomes === routed && pending >= 0;
  return {
    topic,
    partition,
    accepted,
    routed,
    matched,
    unmatched,
    duplicate,
    rejected,
    counted,
    passed,
    pending,
    balanced,
  };
}
