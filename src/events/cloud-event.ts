import { z } from "zod";
import type { Json } from "../foundation/json.ts";

/**
 * A CloudEvent as the platform carries it: CloudEvents 1.0 (https://github.com/cloudevents/spec),
 * JSON format. Context attributes keep the specification's lower-case names. Extension attributes
 * that the platform understands are named here; any other valid extension is carried unchanged.
 */
export interface CloudEvent {
  specversion: "1.0";
  id: string;
  source: string;
  type: string;
  subject?: string;
  /** RFC 3339. */
  time?: string;
  datacontenttype?: string;
  dataschema?: string;
  data?: Json;
  /** Base64 (RFC 4648) of binary data; excludes `data`. */
  data_base64?: string;
  /** The flow: every event caused by one first event carries its value. CNCF correlation extension. */
  correlationid?: string;
  /** The id of the event that directly caused this one. */
  causationid?: string;
  /** Step within the flow, from "0" at its first event. CNCF sequence extension. */
  sequence?: string;
  partitionkey?: string;
  traceparent?: string;
  /** The project that may see it; absent: shared by all (rule D19). */
  fxproject?: string;
  /** The execution that emitted it; set by the platform only, and checked by the router against the catalog. */
  fxexecution?: string;
  /** Of an event that a mapping made, set by the platform only: the mapping, the key of the event it was made of, */
  fxmapping?: string;
  fxmappedfrom?: string;
  /** the flow whose budget it counts for, and whether it was made of an execution event (rule D14). */
  fxrootflow?: string;
  fxlifecycle?: boolean;
  [extension: string]: Json | undefined;
}

/** Largest accepted event, in bytes of its JSON form: 4 MiB. Larger ones are answered with 413. */
export const maxEventBytes = 4 * 1024 * 1024;
/** Longest accepted `id`, `source`, `type` and other string attributes, in characters. */
export const maxAttributeLength = 1024;

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what CloudEvents forbids in attribute strings.
const forbiddenCharacters = /[\u0000-\u001f\u007f-\u009f]/;
const loneSurrogate = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

const attributeString = z
  .string()
  .min(1, "must not be empty")
  .max(maxAttributeLength, `must not be longer than ${maxAttributeLength} characters`)
  .refine(
    (text) => !forbiddenCharacters.test(text) && !loneSurrogate.test(text),
    "must not contain control characters",
  );

const uriReference = attributeString.refine((text) => !/\s/.test(text), "must be a URI reference (no white space)");

export const rfc3339 =
  /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])[Tt]([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)$/;
export const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

const known = {
  specversion: z.literal("1.0", { error: 'must be "1.0"' }),
  id: attributeString,
  source: uriReference,
  type: attributeString.refine((text) => !/[\s*]/.test(text), "must not contain white space or '*'"),
  subject: attributeString.optional(),
  time: z.string().regex(rfc3339, "must be an RFC 3339 time such as 2026-01-31T12:00:00Z").optional(),
  datacontenttype: attributeString.optional(),
  dataschema: uriReference.optional(),
  data: z.json().optional(),
  data_base64: z.string().regex(base64, "must be base64 (RFC 4648)").optional(),
  correlationid: attributeString.optional(),
  causationid: attributeString.optional(),
  sequence: attributeString.optional(),
  partitionkey: attributeString.optional(),
  traceparent: attributeString.optional(),
  fxproject: attributeString.optional(),
  fxexecution: attributeString.optional(),
};

export const extensionName = /^[a-z0-9]{1,20}$/;
const extensionValue = z.union([attributeString, z.boolean(), z.int32()], {
  error: "must be a string, a boolean or a 32-bit integer (CloudEvents extension attribute)",
});

/** Parses the JSON form of one event. Unknown attributes must be valid CloudEvents extensions. */
export const cloudEventSchema = z
  .object(known)
  .catchall(extensionValue)
  .superRefine((event, context) => {
    for (const name of Object.keys(event)) {
      if (!(name in known) && !extensionName.test(name)) {
        context.addIssue({
          code: "custom",
          path: [name],
          message: "is not a CloudEvents attribute name: 1 to 20 lower-case letters or digits",
        });
      }
    }
    if (event.data !== undefined && event.data_base64 !== undefined) {
      context.addIssue({ code: "custom", path: ["data_base64"], message: "must not be given together with data" });
    }
  }) as unknown as z.ZodType<CloudEvent>;
