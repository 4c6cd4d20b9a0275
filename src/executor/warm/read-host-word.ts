import { readWords, type Words } from "../channel/read-ask.ts";
import type { FromHost } from "./warm-message.ts";

/** What a warm process says, read. */
export type HostWord =
  | { kind: "ready" }
  | { kind: "output"; run: number; stream: "stdout" | "stderr"; bytes: Buffer }
  | { kind: "drain"; run: number; id: number }
  | { kind: "ended"; run: number; code: number; leftovers: string[]; openFiles: number; piped: boolean }
  | { kind: "ask"; run: number; words: Words };

type FieldOf<Word> = Word extends Word ? keyof Word : never;

const maxLeftovers = 20;

/** A script can say all that its process can, so nothing is believed. Undefined: no word of a host. */
export function readHostWord(frame: Buffer): HostWord | undefined {
  const words = readWords(frame);
  const said: Partial<Record<FieldOf<FromHost>, unknown>> = words;
  const { run, output, ended, piped, op, id } = said;
  if (said.ready === true) return { kind: "ready" };
  if (typeof run !== "number") return undefined;
  if (output === "stdout" || output === "stderr") {
    const bytes = bytesOf(words);
    return bytes && { kind: "output", run, stream: output, bytes };
  }
  if (typeof ended === "object" && ended !== null) {
    const { code, leftovers = [], openFiles } = ended as Words;
    if (typeof code !== "number" || !Number.isInteger(code)) return undefined;
    const left = { leftovers: textsOf(leftovers), openFiles: typeof openFiles === "number" ? openFiles : 0 };
    return { kind: "ended", run, code: code & 0xff, ...left, piped: piped !== false };
  }
  if (op === "drain" && typeof id === "number") return { kind: "drain", run, id };
  return { kind: "ask", run, words };
}

function bytesOf({ text, base64 }: Words): Buffer | undefined {
  if (typeof text === "string") return Buffer.from(text);
  return typeof base64 === "string" ? Buffer.from(base64, "base64") : undefined;
}

function textsOf(value: unknown): string[] {
  if (!Array.isArray(value)) return [];
  return value.slice(0, maxLeftovers).map((text) => String(text).slice(0, 200));
}
