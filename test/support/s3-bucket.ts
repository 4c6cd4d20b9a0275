import { readdirSync, statSync, utimesSync } from "node:fs";
import path from "node:path";
import { S3 } from "@aws-sdk/client-s3";
import type { ServerPlace } from "../../engines/engine.ts";
import { objectsOf, s3 } from "../../engines/s3.ts";
import { S3ArtifactStore, type S3ArtifactStoreOptions } from "../../src/artifact-store/s3.ts";
import { systemClock } from "../../src/foundation/clock.ts";
import { createIds } from "../../src/foundation/ids.ts";
import { silentLog } from "../../src/foundation/log.ts";
import { systemRandom } from "../../src/foundation/random.ts";
import { eventually } from "./eventually.ts";

let prefixes = 0;

/** A part of a real server's bucket that is one test's alone, seen past the driver. */
export class TestBucket {
  readonly options: S3ArtifactStoreOptions;
  readonly s3: S3;
  readonly #directory: string;

  constructor(place: ServerPlace, changed: Partial<S3ArtifactStoreOptions> = {}) {
    const set = s3.environment([place]);
    const credentials = {
      accessKeyId: set.FX_ARTIFACT_STORE_ACCESS_KEY_ID as string,
      secretAccessKey: set.FX_ARTIFACT_STORE_SECRET_ACCESS_KEY as string,
    };
    const endpoint = set.FX_ARTIFACT_STORE_ENDPOINT as string;
    const region = set.FX_ARTIFACT_STORE_REGION as string;
    const bucket = set.FX_ARTIFACT_STORE_BUCKET as string;
    prefixes += 1;
    this.options = {
      ...{ endpoint, region, bucket, credentials, pathStyle: true, authorityFile: undefined },
      ...{ prefix: `test-${process.pid}-${prefixes}/`, partBytes: 5 * 1024 * 1024, silenceMs: 10_000 },
      ...{ clock: systemClock, ids: createIds(systemClock, systemRandom), log: silentLog },
      ...changed,
    };
    this.s3 = new S3({ endpoint, region, credentials, forcePathStyle: true });
    this.#directory = path.join(objectsOf(place.directory), bucket);
  }

  open(changed: Partial<S3ArtifactStoreOptions> = {}): Promise<S3ArtifactStore> {
    return S3ArtifactStore.open({ ...this.options, ...changed });
  }

  /** Of one artifact's copies, or of all artifacts of the test's prefix. */
  async keys(hash?: string): Promise<string[]> {
    const keys: string[] = [];
    const { bucket, prefix } = this.options;
    let next: string | undefined;
    do {
      const page = await this.s3.listObjectsV2({
        Bucket: bucket,
        Prefix: `${prefix}artifacts/${hash === undefined ? "" : `${hash.slice(0, 2)}/${hash}.`}`,
        ContinuationToken: next,
      });
      keys.push(...(page.Contents ?? []).map(({ Key }) => Key as string));
      next = page.NextContinuationToken;
    } while (next);
    return keys;
  }

  async overwrite(hash: string, content: Uint8Array): Promise<void> {
    for (const key of await this.keys(hash)) {
      await this.s3.putObject({ Bucket: this.options.bucket, Key: key, Body: content });
    }
  }

  /** On the server's disk: as if it had been written so much earlier. */
  age(key: string, byMs: number): void {
    ageFile(path.join(this.#directory, key), byMs);
  }

  /** The same for an upload in parts that has begun. */
  ageUpload(uploadId: string, byMs: number): void {
    const found = readdirSync(this.#uploads, { recursive: true, encoding: "utf8" });
    ageFile(path.join(this.#uploads, found.find((name) => name.endsWith(uploadId)) as string), byMs);
  }

  /** Resolves when an upload in parts has begun. */
  async uploadBegun(): Promise<void> {
    await eventually(() => readdirSync(this.#uploads).length > 0, { everyMs: 1 });
  }

  get #uploads(): string {
    return path.join(this.#directory, ".sgwtmp/multipart");
  }
}

function ageFile(file: string, byMs: number): void {
  const seconds = (statSync(file).mtimeMs - byMs) / 1000;
  utimesSync(file, seconds, seconds);
}
