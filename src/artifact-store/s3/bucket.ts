import type { S3 } from "@aws-sdk/client-s3";
import { PlatformError } from "../../foundation/errors.ts";
import type { Log } from "../../foundation/log.ts";
import { checksumOf } from "./checksums.ts";
import { isConflict, isMissing, isUploadGone, translateS3Error } from "./errors.ts";

export interface StoredObject {
  key: string;
  sizeBytes: number;
  /** By the server's clock, to the second. */
  modifiedAt: number;
}

export interface ListedPage {
  objects: StoredObject[];
  /** The server's clock when it listed them; undefined where it does not tell. */
  now: number | undefined;
}

/** Most keys of one listing or deletion. */
const pageKeys = 1000;
const partsAtOnce = 4;
const conflictTries = 5;

/** The calls of the S3 API that the store needs, with errors as ours. Says once that the server went, and once that it is back. */
export class Bucket {
  readonly #s3: S3;
  readonly #name: string;
  readonly #place: string;
  readonly #log: Log;
  #away: string | undefined;

  /** `place` is for people: the bucket and where it is. */
  constructor({ s3, name, place, log }: { s3: S3; name: string; place: string; log: Log }) {
    this.#s3 = s3;
    this.#name = name;
    this.#place = place;
    this.#log = log;
    tellServerTime(s3);
  }

  /** Everything whose key begins so, page by page. */
  async *list(prefix: string, most = pageKeys): AsyncGenerator<ListedPage> {
    let next: string | undefined;
    do {
      const request = { Bucket: this.#name, Prefix: prefix, MaxKeys: most, ContinuationToken: next };
      const page = await this.#ask(() => this.#s3.listObjectsV2(request));
      const objects = (page.Contents ?? []).map(({ Key = "", Size = 0, LastModified }) => ({
        key: Key,
        sizeBytes: Size,
        modifiedAt: LastModified?.getTime() ?? 0,
      }));
      yield { objects, now: serverTimeOf(page) };
      next = page.IsTruncated ? page.NextContinuationToken : undefined;
    } while (next !== undefined);
  }

  /** Undefined: it is not there. */
  read(key: string): Promise<Uint8Array | undefined> {
    return this.#askFor(async () => {
      const { Body } = await this.#s3.getObject({ Bucket: this.#name, Key: key });
      return Body?.transformToByteArray();
    });
  }

  /** What the server found when the object was written; undefined where it keeps none, or the object is not there. */
  checksum(key: string): Promise<string | undefined> {
    return this.#askFor(async () => {
      const head = await this.#s3.headObject({ Bucket: this.#name, Key: key, ChecksumMode: "ENABLED" });
      return head.ChecksumSHA256;
    });
  }

  /** In one request, or as a multipart upload; the server checks each part. */
  async write(key: string, parts: readonly Uint8Array[]): Promise<void> {
    const [only, second] = parts;
    if (only !== undefined && second === undefined) {
      const request = { Bucket: this.#name, Key: key, Body: only, ChecksumSHA256: checksumOf(only) };
      await this.#ask(() => despiteConflicts(() => this.#s3.putObject(request)));
      return;
    }
    const upload = await this.#ask(() =>
      this.#s3.createMultipartUpload({ Bucket: this.#name, Key: key, ChecksumAlgorithm: "SHA256" }),
    );
    const place = { Bucket: this.#name, Key: key, UploadId: upload.UploadId };
    try {
      const sent = await this.#sendParts(place, parts);
      const request = { ...place, MultipartUpload: { Parts: sent } };
      await this.#ask(() => despiteConflicts(() => this.#s3.completeMultipartUpload(request)));
    } catch (error) {
      // What stays is swept later.
      await this.#s3.abortMultipartUpload(place).catch(() => {});
      throw error;
    }
  }

  async delete(keys: readonly string[]): Promise<void> {
    for (let at = 0; at < keys.length; at += pageKeys) {
      const objects = keys.slice(at, at + pageKeys).map((key) => ({ Key: key }));
      const request = { Bucket: this.#name, Delete: { Objects: objects, Quiet: true } };
      const { Errors: [refused] = [] } = await this.#ask(() => this.#s3.deleteObjects(request));
      if (refused === undefined) continue;
      const { Key, Code, Message } = refused;
      throw new PlatformError("unavailable", `the artifact store ${this.#place} kept ${Key} (${Code}: ${Message})`);
    }
  }

  /** Uploads in parts below a prefix that were begun at `before` or earlier and never completed. */
  async abortUploads(prefix: string, before: number): Promise<void> {
    const { Uploads = [] } = await this.#ask(() =>
      this.#s3.listMultipartUploads({ Bucket: this.#name, Prefix: prefix }),
    );
    for (const { Key, UploadId, Initiated } of Uploads) {
      if (Initiated === undefined || Initiated.getTime() > before) continue;
      await this.#ask(async () => {
        const aborted = this.#s3.abortMultipartUpload({ Bucket: this.#name, Key, UploadId });
        await aborted.catch((error: unknown) => {
          if (!isUploadGone(error)) throw error;
        });
      });
    }
  }

  close(): void {
    this.#s3.destroy();
  }

  async #sendParts(place: { Bucket: string; Key: string; UploadId: string | undefined }, parts: readonly Uint8Array[]) {
    const sent = [];
    for (let at = 0; at < parts.length; at += partsAtOnce) {
      const some = parts.slice(at, at + partsAtOnce).map(async (Body, index) => {
        const part = { PartNumber: at + index + 1, ChecksumSHA256: checksumOf(Body) };
        const { ETag } = await this.#ask(() => this.#s3.uploadPart({ ...place, ...part, Body }));
        return { ...part, ETag };
      });
      sent.push(...(await Promise.all(some)));
    }
    return sent;
  }

  async #askFor<Found>(work: () => Promise<Found | undefined>): Promise<Found | undefined> {
    return this.#ask(async () => {
      try {
        return await work();
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
    });
  }

  async #ask<Answer>(work: () => Promise<Answer>): Promise<Answer> {
    try {
      const answer = await work();
      if (this.#away !== undefined) this.#log.info({}, `the artifact store ${this.#place} answers again`);
      this.#away = undefined;
      return answer;
    } catch (error) {
      const translated = translateS3Error(error, this.#place);
      if (this.#away === undefined) this.#log.error({ error: translated.message }, "the artifact store fails");
      this.#away = translated.message;
      throw translated;
    }
  }
}

/** Servers that keep objects as files drop a folder when it becomes empty, and refuse what is written into it just then. */
async function despiteConflicts<Answer>(work: () => Promise<Answer>): Promise<Answer> {
  for (let left = conflictTries; ; left -= 1) {
    try {
      return await work();
    } catch (error) {
      if (!isConflict(error) || left === 1) throw error;
    }
  }
}

const serverTime = Symbol("server time");

/** Age is judged by one clock, the one that stamps the objects. */
function tellServerTime({ middlewareStack }: S3): void {
  const options = { step: "deserialize", name: "serverTime", priority: "high" } as const;
  middlewareStack.add(
    (next) => async (request) => {
      const result = await next(request);
      const { headers } = result.response as { headers?: Record<string, string> };
      if (result.output) Object.assign(result.output, { [serverTime]: Date.parse(headers?.date ?? "") });
      return result;
    },
    options,
  );
}

function serverTimeOf(answer: object): number | undefined {
  const { [serverTime]: at = Number.NaN } = answer as { [serverTime]?: number };
  return Number.isNaN(at) ? undefined : at;
}
