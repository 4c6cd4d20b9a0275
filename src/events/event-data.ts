import { isUtf8 } from "node:buffer";
import { messageOf } from "../foundation/errors.ts";
import type { Json } from "../foundation/json.ts";

/** The data of an event in binary mode, as the members of its JSON form; `problem` where the bytes are not of their type. */
export type EventData = { data: Json } | { data_base64: string } | { none: true } | { problem: string };

const jsonType = /^(?:application|text)\/(?:[^;]*\+)?json\s*(?:;|$)|\+json\s*(?:;|$)/i;
const textType = /^text\/|^application\/(?:[^;]*\+)?xml\s*(?:;|$)/i;

/** No content type means JSON (CloudEvents 1.0, `datacontenttype`). */
export function isJsonType(contentType: string | undefined): boolean {
  return contentType === undefined || jsonType.test(contentType);
}

/** JSON becomes a value, text a string, anything else base64 (CloudEvents JSON format 1.0, section 3.1). */
export function readEventData(contentType: string | undefined, bytes: Uint8Array): EventData {
  if (bytes.length === 0) return { none: true };
  if (isJsonType(contentType)) {
    if (!isUtf8(bytes)) return { problem: "must be UTF-8, as JSON always is" };
    try {
      return { data: JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString()) as Json };
    } catch (error) {
      const type = contentType === undefined ? "" : ` of type ${contentType}`;
      return { problem: `must be JSON${type}: ${messageOf(error)}` };
    }
  }
  if (textType.test(contentType ?? "") && isUtf8(bytes)) return { data: Buffer.from(bytes).toString() };
  return { data_base64: Buffer.from(bytes).toString("base64") };
}
