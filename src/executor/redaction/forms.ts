import { minRedactedLength, secretTexts } from "../../config-store/vault.ts";
import type { Json } from "../../foundation/json.ts";
import { base64Forms, hexForms, urlForms } from "./encoded-forms.ts";
import { sourceForms } from "./source-forms.ts";

/** One way in which a secret may appear. */
export interface Form {
  name: string;
  bytes: Buffer;
  /** False for a line of a secret of several lines. */
  whole: boolean;
  /** Encoders break it over lines. */
  wraps: boolean;
}

/**
 * Every form under which a secret is redacted (rule S5): each string or number in it, plain, as base64, in hexadecimal and
 * URL-encoded, and as the source of JSON, Python, a shell or HTML. Each line of a text of several lines counts as well,
 * since loggers put something before every line. Texts under six characters have no form.
 */
export function formsOf(name: string, value: Json): Form[] {
  const forms = new Map<string, Form>();
  const add = (text: string, { whole = true, wraps = false } = {}) => {
    const bytes = Buffer.from(text);
    const key = bytes.toString("latin1");
    const known = forms.get(key);
    if (bytes.length < minRedactedLength) return;
    forms.set(key, { name, bytes, whole: whole || (known?.whole ?? false), wraps: wraps || (known?.wraps ?? false) });
  };
  const texts = secretTexts(value);
  // An object is also printed as a whole.
  if (typeof value === "object") texts.push(JSON.stringify(value));
  for (const text of texts) {
    if ([...text].length < minRedactedLength) continue;
    const bytes = Buffer.from(text);
    for (const form of [text, ...sourceForms(text), ...urlForms(text), ...hexForms(bytes)]) add(form);
    for (const form of base64Forms(bytes)) add(form, { wraps: true });
    for (const line of text.split(/\r?\n/)) add(line.trim(), { whole: false });
  }
  return [...forms.values()];
}
