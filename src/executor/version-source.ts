import type { VersionId } from "../foundation/ids.ts";
import type { Manifest } from "../services/manifest.ts";

/** Gives the executor an unpacked service version. */
export interface VersionSource {
  /** Throws `not-found` when the version is gone, a retryable error when it cannot be had just now. */
  open(version: VersionId): Promise<OpenedVersion>;
}

export interface OpenedVersion {
  /** Absolute path, readable by scripts, never written to. */
  directory: string;
  manifest: Manifest;
  scripts: string[];
}
