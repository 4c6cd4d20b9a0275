import { minRedactedLength, secretTexts } from "../../config-store/vault.ts";
import type { Json } from "../../foundation/json.ts";

/** One way in which a secret may appear. */
export interface Form {
  name: string;
  bytes: Buffer;
  /** False for a line of a secret of several lines. */
  whole: boolean;
}

const lineLength = 76;
const unreservedButPercentEncoded = /[^A-Za-z0-9\-._~]/gu;
/** What encoders leave alone besides the unreserved: nothing (RFC 3986), Python's `quote`, JavaScript's `encodeURIComponent`. */
const leftAlone = ["", "/", "!'()*"];

/**
 * Every form under which a secret is redacted (rule S5): each string or number in it, plain, as base64 and URL-encoded,
 * and as a string of JSON or of a program's source. Each line of a text of several lines counts as well,
 * since loggers put something before every line. Texts under six characters have no form.
 */
export function formsOf(name: string, value: Json): Form[] {
  const forms = new Map<string, Form>();
  const add = (text: string | Buffer, whole: boolean) => {
    const bytes = Buffer.from(text as string);
    const key = bytes.toString("latin1");
    if (bytes.length >= minRedactedLength && !(forms.get(key)?.whole ?? false)) forms.set(key, { name, bytes, whole });
  };
  const texts = secretTexts(value);
  // An object is also printed as a whole.
  if (typeof value === "object") texts.push(JSON.stringify(value));
  for (const text of texts) {
    if ([...text].length < minRedactedLength) continue;
    for (const form of textForms(text)) add(form, true);
    for (const line of text.split(/\r?\n/)) add(line.trim(), false);
  }
  return [...forms.values()];
}

function textForms(text: string): (string | Buffer)[] {
  const json = JSON.stringify(text).slice(1, -1);
  const source = text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll("\r", "\\r").replaceAll("\t", "\\t");
  return [text, json, asciiOf(json), source, ...base64Forms(Buffer.from(text)), ...urlForms(text)];
}

/** As Python's `json.dumps` writes it. */
function asciiOf(json: string): string {
  return json.replaceAll(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/**
 * Encoded alone, with and without padding; and inside of something longer, where three bytes become
 * four characters and the text may begin at any of the three. The one character at either end
 * that neighbours have a part in is not known; it holds at most four bits of the secret.
 */
function base64Forms(bytes: Buffer): string[] {
  const forms: string[] = [];
  const padded = bytes.toString("base64");
  forms.push(padded, padded.replace(/=+$/, ""));
  if (padded.length > lineLength) forms.push(padded.replaceAll(new RegExp(`.{${lineLength}}(?=.)`, "g"), "$&\n"));
  for (const before of [0, 1, 2]) {
    const encoded = Buffer.concat([Buffer.alloc(before), bytes])
      .toString("base64")
      .replace(/=+$/, "");
    const first = Math.ceil((before * 8) / 6);
    const end = Math.floor(((before + bytes.length) * 8) / 6);
    forms.push(encoded.slice(first, end));
  }
  return [...forms, ...forms.map((form) => form.replaceAll("+", "-").replaceAll("/", "_"))];
}

function urlForms(text: string): string[] {
  return leftAlone.flatMap((alone) =>
    ["%20", "+"].flatMap((space) => {
      const encoded = text.replaceAll(unreservedButPercentEncoded, (character) =>
        character === " " ? space : alone.includes(character) ? character : percentOf(character),
      );
      return [encoded, encoded.replaceAll(/%[0-9A-F]{2}/g, (hex) => hex.toLowerCase())];
    }),
  );
}

function percentOf(character: string): string {
  return [...Buffer.from(character)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join("");
}
