import type { Clock } from "../foundation/clock.ts";
import { PlatformError } from "../foundation/errors.ts";
import { sha256 } from "../foundation/hash.ts";
import type { Ids } from "../foundation/ids.ts";
import type { Log } from "../foundation/log.ts";
import { requireArtifactHash } from "./artifact-hash.ts";
import type { ArtifactStore } from "./artifact-store.ts";
import { Bucket, type StoredObject } from "./s3/bucket.ts";
import { partsOf, storedChecksumOf } from "./s3/checksums.ts";
import { openS3Client, type S3ClientOptions } from "./s3/client.ts";

export interface S3ArtifactStoreOptions extends S3ClientOptions {
  /** It must be there: the platform makes none. */
  bucket: string;
  /** Before every key, such as "fx/": several installations may share a bucket. */
  prefix: string;
  /** Larger content is sent in parts of this size; S3 wants at least 5 MiB. */
  partBytes: number;
  clock: Clock;
  ids: Ids;
  log: Log;
}

const minuteMs = 60_000;
/** A copy this young is taken as it is; of an older one another is written. */
const freshMs = 60 * minuteMs;
/** Whatever grace a sweep is given. Larger than `freshMs`, so that it never takes what a `put` has just relied on. */
const safeMs = 2 * freshMs;
/** Listings that may be out of date before a read gives up: each time a sweep took copies for which there were others. */
const looks = 3;

/**
 * Objects `artifacts/ab/<hash>.<id>` in a bucket of any server that speaks the S3 API. Each write has a key of its own, because
 * S3 has no way to delete an object on condition that nobody has just written it again: what a sweep deletes is never what a
 * `put` wrote meanwhile (docs/adr/0025-artifacts-on-s3.md). What is read is compared with its name.
 */
export class S3ArtifactStore implements ArtifactStore {
  readonly #bucket: Bucket;
  readonly #root: string;
  readonly #options: S3ArtifactStoreOptions;
  /** By hash: equal files of one deploy are stored once. */
  readonly #putting = new Map<string, Promise<string>>();

  private constructor(bucket: Bucket, options: S3ArtifactStoreOptions) {
    this.#bucket = bucket;
    this.#root = `${options.prefix}artifacts/`;
    this.#options = options;
  }

  /** Throws `unavailable` when the bucket cannot be listed; later the server may go and come back. */
  static async open(options: S3ArtifactStoreOptions): Promise<S3ArtifactStore> {
    const { bucket: name, endpoint, region, log } = options;
    const s3 = await openS3Client(options);
    const place = `"${name}" at ${endpoint ?? `AWS in ${region}`}`;
    const store = new S3ArtifactStore(new Bucket({ s3, name, place, log }), options);
    try {
      await store.has(sha256(""));
      return store;
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  put(content: Uint8Array): Promise<string> {
    const hash = sha256(content);
    const under = this.#putting.get(hash);
    if (under !== undefined) return under;
    const putting = this.#put(hash, content).finally(() => this.#putting.delete(hash));
    this.#putting.set(hash, putting);
    return putting;
  }

  async get(hash: string): Promise<Uint8Array> {
    requireArtifactHash(hash);
    for (let look = 1; look <= looks; look += 1) {
      const { copies } = await this.#copiesOf(hash);
      let damaged: Uint8Array | undefined;
      for (const { key } of copies) {
        const content = await this.#bucket.read(key);
        if (content !== undefined && sha256(content) === hash) return content;
        damaged ??= content;
      }
      if (damaged !== undefined) throw changed(hash, damaged);
      if (copies.length === 0) break;
    }
    throw new PlatformError("not-found", `there is no artifact ${hash}`);
  }

  async has(hash: string): Promise<boolean> {
    requireArtifactHash(hash);
    for await (const { objects } of this.#bucket.list(this.#prefixOf(hash), 1)) if (objects.length > 0) return true;
    return false;
  }

  async sweep(keep: ReadonlySet<string>, graceMs: number): Promise<number> {
    const ageMs = Math.max(graceMs, safeMs);
    let now = this.#options.clock.now();
    let swept = 0;
    let copies: StoredObject[] = [];
    for await (const page of this.#bucket.list(this.#root)) {
      now = page.now ?? this.#options.clock.now();
      const past: string[] = [];
      for (const object of page.objects) {
        const hash = this.#hashOf(copies[0]);
        if (hash !== this.#hashOf(object)) {
          past.push(...pastOf(copies, keep.has(hash), now - ageMs));
          copies = [];
        }
        copies.push(object);
      }
      await this.#bucket.delete(past);
      swept += past.length;
    }
    const past = pastOf(copies, keep.has(this.#hashOf(copies[0])), now - ageMs);
    await this.#bucket.delete(past);
    // What a crash left half-sent.
    await this.#bucket.abortUploads(this.#root, now - ageMs);
    return swept + past.length;
  }

  async close(): Promise<void> {
    this.#bucket.close();
  }

  async #put(hash: string, content: Uint8Array): Promise<string> {
    const parts = partsOf(content, this.#options.partBytes);
    const { copies, now } = await this.#copiesOf(hash);
    const [latest] = copies;
    const fresh = latest !== undefined && latest.modifiedAt > now - freshMs && latest.sizeBytes === content.length;
    // A damaged copy is mended by storing the content again.
    if (fresh && (await this.#bucket.checksum(latest.key)) === storedChecksumOf(parts)) return hash;
    await this.#bucket.write(`${this.#prefixOf(hash)}${this.#options.ids.next()}`, parts);
    return hash;
  }

  /** The latest first. */
  async #copiesOf(hash: string): Promise<{ copies: StoredObject[]; now: number }> {
    const copies: StoredObject[] = [];
    let now: number | undefined;
    for await (const page of this.#bucket.list(this.#prefixOf(hash))) {
      now = page.now;
      copies.push(...page.objects);
    }
    return { copies: copies.sort(latestFirst), now: now ?? this.#options.clock.now() };
  }

  /** Servers that keep objects as files list a folder slowly when everything is in it. */
  #prefixOf(hash: string): string {
    return `${this.#root}${hash.slice(0, 2)}/${hash}.`;
  }

  #hashOf(object: StoredObject | undefined): string {
    return object?.key.slice(this.#root.length + "ab/".length).split(".")[0] ?? "";
  }
}

function latestFirst(left: StoredObject, right: StoredObject): number {
  return right.modifiedAt - left.modifiedAt || (right.key > left.key ? 1 : -1);
}

/** Of the copies of one content, those that nobody can miss: of what is kept all but the latest. */
function pastOf(copies: StoredObject[], isKept: boolean, cutoff: number): string[] {
  const spare = copies.sort(latestFirst).slice(isKept ? 1 : 0);
  return spare.filter(({ modifiedAt }) => modifiedAt <= cutoff).map(({ key }) => key);
}

function changed(hash: string, content: Uint8Array): PlatformError {
  return new PlatformError(
    "corrupt",
    `the artifact ${hash} has changed in its bucket: its ${content.length} bytes hash to ${sha256(content)}; store it again to mend it`,
  );
}
