import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import type { ExecutionId } from "../../foundation/ids.ts";
import type { ApiParts } from "./api-parts.ts";
import { outputStored } from "./caught-up.ts";
import { unknown } from "./executions.ts";
import { bytesAnswer } from "./open-api.ts";
import { HttpRefusal } from "./problem-document.ts";
import { required } from "./required.ts";

/** Whole output of a step is at most 10 MiB and a mark; read and answered at once. */
export function stepOutputRoute(
  scope: FastifyInstance,
  parts: Pick<ApiParts, "catalog" | "opsData" | "clock"> & { closing: AbortSignal },
): void {
  scope.withTypeProvider<ZodTypeProvider>().get(
    "/executions/:id/steps/:n/output",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "getStepOutput",
        summary: "What a step wrote to stdout and stderr, in order of arrival; bytes, ranged",
        description: "A part by the header Range (one range), or by `from` and `to`: bytes [from, to).",
        tags: ["executions"],
        produces: ["application/octet-stream"],
        params: z.object({ id: z.string().min(1), n: z.coerce.number().int().min(1) }),
        querystring: z.strictObject({
          attempt: z.coerce.number().int().min(1).optional().meta({ description: "Default: the last one." }),
          from: z.coerce.number().int().min(0).optional(),
          to: z.coerce.number().int().min(0).optional(),
        }),
        response: { 200: bytesAnswer("The whole output"), 206: bytesAnswer("The part that was asked for") },
      },
    },
    async ({ params: { id, n }, query, headers }, reply) => {
      const { catalog, opsData } = parts;
      const execution = required(await catalog.executions.get(id as ExecutionId), unknown(id));
      const steps = await catalog.executions.steps(execution.id);
      const ofStep = steps.filter((step) => step.n === n && (query.attempt ?? step.attempt) === step.attempt);
      const step = required(ofStep.at(-1), `execution ${id} has not run a step ${n}${inAttempt(query.attempt)}`);
      await outputStored(parts, execution, [step], parts.closing);

      const ref = { executionId: id, attempt: step.attempt, step: n };
      const { sizeBytes } = await opsData.output(ref, 0, 0);
      const range = rangeOf(headers.range, query, sizeBytes);
      const from = range?.from ?? 0;
      const to = range?.to ?? sizeBytes;
      const { bytes } = await opsData.output(ref, from, to);
      reply.header("accept-ranges", "bytes").type("application/octet-stream");
      if (range) reply.code(206).header("content-range", `bytes ${from}-${Math.max(from, to - 1)}/${sizeBytes}`);
      return reply.send(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
    },
  );
}

function inAttempt(attempt: number | undefined): string {
  return attempt === undefined ? "" : ` in attempt ${attempt}`;
}

/** Bytes [from, to) that were asked for, cut to what there is; undefined: all. Throws 416 where there is nothing. */
function rangeOf(
  header: string | undefined,
  query: { from?: number | undefined; to?: number | undefined },
  sizeBytes: number,
): { from: number; to: number } | undefined {
  if (query.from !== undefined || query.to !== undefined) {
    return satisfiable(query.from ?? 0, query.to ?? sizeBytes, sizeBytes);
  }
  // RFC 9110, section 14.2: a Range that is not understood is passed over.
  const [, first = "", last = ""] = /^bytes=(\d*)-(\d*)$/.exec(header ?? "") ?? [];
  if (first === "" && last === "") return undefined;
  if (first === "") return satisfiable(Math.max(0, sizeBytes - Number(last)), sizeBytes, sizeBytes);
  return satisfiable(Number(first), last === "" ? sizeBytes : Number(last) + 1, sizeBytes);
}

function satisfiable(from: number, to: number, sizeBytes: number): { from: number; to: number } {
  if (from < Math.min(to, sizeBytes)) return { from, to: Math.min(to, sizeBytes) };
  throw new HttpRefusal(
    416,
    "invalid-input",
    `the output has ${sizeBytes} bytes: there are none from ${from} to ${to}`,
  );
}
