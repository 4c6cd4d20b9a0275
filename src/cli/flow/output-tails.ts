import type { Client } from "../connection/client.ts";
import type { ExecutionDetail, StepAnswer } from "../connection/wire.ts";
import { safe } from "../terminal/safe.ts";

const maxLines = 3;
const maxLineLength = 160;
const tailBytes = 2000;
const inParallel = 6;

/** The last lines that each execution wrote, for drawing beside it. */
export async function outputTails(api: Client, ids: readonly string[]): Promise<Map<string, string[]>> {
  const tails = new Map<string, string[]>();
  const waiting = [...ids];
  const work = async (): Promise<void> => {
    for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) tails.set(id, await tailOf(api, id));
  };
  await Promise.all(Array.from({ length: inParallel }, work));
  return tails;
}

async function tailOf(api: Client, id: string): Promise<string[]> {
  const path = `/api/v1/executions/${encodeURIComponent(id)}`;
  const { steps, attempt } = await api.get<ExecutionDetail>(path);
  const last = steps.filter((step) => step.attempt === attempt && step.output.sizeBytes > 0).at(-1);
  if (last === undefined) return [];
  const { preview, sizeBytes } = last.output;
  const isWhole = Buffer.byteLength(preview) >= sizeBytes;
  return lastLines(isWhole ? preview : await readTail(api, path, last), isWhole);
}

/** The preview is an output's beginning; its end is asked for. */
async function readTail(api: Client, path: string, { n, attempt, output }: StepAnswer): Promise<string> {
  const range = { attempt, from: Math.max(0, output.sizeBytes - tailBytes), to: output.sizeBytes };
  const chunks: Uint8Array[] = [];
  for await (const chunk of await api.bytes(`${path}/steps/${n}/output`, range)) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

function lastLines(text: string, isWhole: boolean): string[] {
  const lines = safe(text)
    .split("\n")
    .filter((line) => line.trim() !== "");
  const shown = lines.slice(-maxLines).map((line) => line.slice(0, maxLineLength));
  if (!isWhole) return ["… much more", ...shown];
  const hidden = lines.length - shown.length;
  return hidden > 0 ? [`… ${hidden} more ${hidden === 1 ? "line" : "lines"}`, ...shown] : shown;
}
