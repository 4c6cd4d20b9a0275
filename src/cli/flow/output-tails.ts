import type { Client } from "../connection/client.ts";
import type { ExecutionDetail } from "../connection/wire.ts";

const maxLines = 3;
const maxLineLength = 160;
const inParallel = 6;

/** The last lines that each execution wrote, for drawing beside it. */
export async function outputTails(api: Client, ids: readonly string[]): Promise<Map<string, string[]>> {
  const tails = new Map<string, string[]>();
  const waiting = [...ids];
  const work = async (): Promise<void> => {
    for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) {
      const detail = await api.get<ExecutionDetail>(`/api/v1/executions/${encodeURIComponent(id)}`);
      tails.set(id, lastLines(detail));
    }
  };
  await Promise.all(Array.from({ length: inParallel }, work));
  return tails;
}

function lastLines({ steps, attempt }: ExecutionDetail): string[] {
  const written = steps.filter((step) => step.attempt === attempt && step.output.preview.trim() !== "");
  const text = written.at(-1)?.output.preview ?? "";
  const lines = text
    .trimEnd()
    .split(/\r?\n/)
    .filter((line) => line.trim() !== "");
  const shown = lines.slice(-maxLines).map((line) => safe(line).slice(0, maxLineLength));
  return lines.length > maxLines ? [`… ${lines.length - maxLines} more lines`, ...shown] : shown;
}

/** A script's output must not move the cursor or change colours here. */
export function safe(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is replaced.
  return text.replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "\ufffd");
}
