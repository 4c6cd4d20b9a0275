import { z } from "zod";
import { PlatformError } from "../foundation/errors.ts";
import { schemaWords } from "../foundation/schema-words.ts";

/** One object that was put into a bucket, as the bucket's notification tells it. */
export interface PutObject {
  bucket: string;
  key: string;
  /** Undefined where the sender does not tell; so below. */
  sizeBytes: number | undefined;
  etag: string | undefined;
  /** Of a bucket that keeps versions. */
  versionId: string | undefined;
  /** Orders the events of one key, where the server gives one. */
  sequencer: string | undefined;
  /** RFC 3339, as it was sent. */
  time: string;
}

export interface BucketNotification {
  put: PutObject[];
  /** What it tells besides: objects that were removed, tagged, restored. */
  passedOver: number;
}

const maxRecords = 1000;

const bucket = z.object({ name: z.string().min(1) });
const optionalText = z
  .string()
  .nullish()
  .transform((text) => text || undefined);
const size = z.int().min(0).optional();
const time = z.iso.datetime({ offset: true });

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html */
const s3Form = z.object({
  Records: z
    .array(
      z.object({
        eventName: z.string(),
        eventTime: time,
        s3: z.object({
          bucket,
          object: z.object({
            key: z.string().min(1),
            size,
            eTag: optionalText,
            versionId: optionalText,
            sequencer: optionalText,
          }),
        }),
      }),
    )
    .max(maxRecords),
});

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html */
const eventBridgeForm = z.object({
  "detail-type": z.string(),
  source: z.literal("aws.s3"),
  time,
  detail: z.object({
    bucket,
    object: z.object({
      key: z.string().min(1),
      size,
      etag: optionalText,
      "version-id": optionalText,
      sequencer: optionalText,
    }),
  }),
});

/** What a server sends when it is told to notify. */
const testForm = z.object({ Event: z.literal("s3:TestEvent") });

/** Reads a notification in S3's own form (AWS, MinIO and others) or EventBridge's. Throws `invalid-input`, also for one bad record. */
export function readBucketNotification(body: unknown): BucketNotification {
  const given = typeof body === "object" && body !== null && !Array.isArray(body) ? body : {};
  if ("Records" in given) return ofS3(parsed(s3Form, given));
  if ("detail-type" in given) return ofEventBridge(parsed(eventBridgeForm, given));
  if (testForm.safeParse(given).success) return { put: [], passedOver: 1 };
  throw new PlatformError(
    "invalid-input",
    'the body is no notification of a bucket: expected {"Records": […]} as S3 sends it, or an event of EventBridge with "detail-type"',
  );
}

function ofS3({ Records }: z.output<typeof s3Form>): BucketNotification {
  const created = Records.filter(({ eventName }) => /^(?:s3:)?ObjectCreated:/.test(eventName));
  const put = created.map(({ eventTime, s3: { bucket, object } }) => ({
    bucket: bucket.name,
    key: decodedKey(object.key),
    sizeBytes: object.size,
    etag: object.eTag?.replaceAll('"', ""),
    versionId: object.versionId,
    sequencer: object.sequencer,
    time: eventTime,
  }));
  return { put, passedOver: Records.length - put.length };
}

function ofEventBridge(event: z.output<typeof eventBridgeForm>): BucketNotification {
  if (event["detail-type"] !== "Object Created") return { put: [], passedOver: 1 };
  const { bucket, object } = event.detail;
  const put = {
    bucket: bucket.name,
    // This form has it as it is.
    key: object.key,
    sizeBytes: object.size,
    etag: object.etag,
    versionId: object["version-id"],
    sequencer: object.sequencer,
    time: event.time,
  };
  return { put: [put], passedOver: 0 };
}

/** S3 encodes keys as in a form. Some servers do not: what has other characters than encoded text is taken as it is. */
function decodedKey(key: string): string {
  if (!/^[\w.~*'()!/+-]*(?:%[0-9A-Fa-f]{2}[\w.~*'()!/+-]*)*$/.test(key)) return key;
  try {
    return decodeURIComponent(key.replaceAll("+", " "));
  } catch {
    return key;
  }
}

function parsed<Schema extends z.ZodType>(schema: Schema, body: object): z.output<Schema> {
  const result = schema.safeParse(body, { error: schemaWords });
  if (result.success) return result.data;
  const problems = result.error.issues.map(({ path, message }) => ({ path: z.core.toDotPath(path), message }));
  const text = problems.map(({ path, message }) => `${path}: ${message}`).join("; ");
  throw new PlatformError("invalid-input", `the notification is not valid: ${text}`, { problems });
}
