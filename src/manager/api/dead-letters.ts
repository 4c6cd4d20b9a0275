import { isUtf8 } from "node:buffer";
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import type { Bus, BusRecord } from "../../bus/bus.ts";
import { readDeadLetter } from "../../events/dead-letter.ts";
import { topics } from "../../events/topics.ts";
import type { ApiParts } from "./api-parts.ts";
import { pageQuery, timeText } from "./list-query.ts";

/** Of a value that is shown. */
const maxShownBytes = 16 * 1024;

const deadLetterAnswer = z
  .object({
    at: z.string().meta({ description: "When it was set aside." }),
    topic: z.string().meta({ description: "Where it was read." }),
    partition: z.int(),
    offset: z.int(),
    reason: z.string().meta({ description: "Why it could not be used." }),
    key: z.string(),
    headers: z.record(z.string(), z.string()),
    value: z.string().meta({ description: `At most the first ${maxShownBytes} bytes.` }),
    encoding: z.enum(["utf-8", "base64"]).meta({ description: "Of `value`." }),
    sizeBytes: z.int().meta({ description: "Of the whole value." }),
  })
  .meta({ id: "DeadLetter" });

/** Records that could not be used (rule D12), the newest first. The topic has them whole, and as many as its retention keeps. */
export function deadLetterRoutes(scope: FastifyInstance, { bus }: Pick<ApiParts, "bus">): void {
  scope.withTypeProvider<ZodTypeProvider>().get(
    "/dead-letters",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "listDeadLetters",
        summary: "Records that could not be used, and why, newest first",
        tags: ["operations"],
        querystring: z.object({ limit: pageQuery.limit }),
        response: { 200: z.object({ items: z.array(deadLetterAnswer) }) },
      },
    },
    async ({ query: { limit } }) => ({ items: (await newest(bus, limit)).flatMap(answerOf) }),
  );
}

async function newest(bus: Bus, limit: number): Promise<BusRecord[]> {
  const partitions = await bus.offsets(topics.deadLetter);
  const read = partitions.map(({ partition, earliest, next }) =>
    bus.peek(topics.deadLetter, partition, Math.max(earliest, next - limit), limit),
  );
  const records = (await Promise.all(read)).flat();
  return records.sort((left, right) => right.at - left.at || right.offset - left.offset).slice(0, limit);
}

function answerOf(record: BusRecord): z.input<typeof deadLetterAnswer>[] {
  const letter = readDeadLetter(record);
  if (letter === undefined) return [];
  const shown = Buffer.from(letter.value.subarray(0, maxShownBytes));
  // Of the whole: where it is cut a character may be in two.
  const encoding = isUtf8(letter.value) ? "utf-8" : "base64";
  return [{ ...letter, at: timeText(record.at), value: shown.toString(encoding), encoding }];
}
