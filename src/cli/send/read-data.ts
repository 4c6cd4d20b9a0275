import { readFileSync } from "node:fs";
import { extname } from "node:path";
import type { CloudEvent } from "../../events/cloud-event.ts";
import { messageOf } from "../../foundation/errors.ts";
import type { Json } from "../../foundation/json.ts";
import { usageError } from "../cli-error.ts";

/** The part of a CloudEvent that carries the data. */
export type EventData = Pick<CloudEvent, "data" | "data_base64" | "datacontenttype">;

const textTypes: Record<string, string> = {
  ".csv": "text/csv",
  ".html": "text/html",
  ".md": "text/markdown",
  ".tsv": "text/tab-separated-values",
  ".txt": "text/plain",
  ".xml": "application/xml",
  ".yaml": "application/yaml",
  ".yml": "application/yaml",
};

/**
 * Reads `--data`: JSON; `-`, JSON from standard input; `@file`: JSON of a .json file, the text of any other
 * file that is UTF-8, else its bytes. Throws a usage error that says what is wrong with it.
 */
export function readData(given: string | undefined): EventData {
  if (given === undefined) return {};
  if (given === "-") return jsonData(readInput(), "standard input");
  if (!given.startsWith("@")) return jsonData(given, "--data");
  const file = given.slice(1);
  const bytes = readBytes(file);
  const text = asText(bytes);
  if (extname(file) === ".json") return jsonData(text ?? "", file);
  if (text === undefined) {
    return { data_base64: bytes.toString("base64"), datacontenttype: "application/octet-stream" };
  }
  return { data: text, datacontenttype: textTypes[extname(file)] ?? "text/plain" };
}

function jsonData(text: string, from: string): EventData {
  try {
    return { data: JSON.parse(text) as Json, datacontenttype: "application/json" };
  } catch (error) {
    const fix = from === "--data" ? `--data '{"name": "value"}', in single quotes` : undefined;
    throw usageError(`${from} is not JSON: ${messageOf(error)}`, fix);
  }
}

function readInput(): string {
  return readFileSync(0, "utf8");
}

function readBytes(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw usageError(`--data @${file} cannot be read: ${messageOf(error)}`);
  }
}

function asText(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
