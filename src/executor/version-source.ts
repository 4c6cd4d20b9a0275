import type { VersionId } from "../foundation/ids.ts";
import type { Manifest } from "../services/manifest.ts";
import type { Environment, Told } from "./environments/environment.ts";

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
  /**
   * What a script imports from; undefined: its language's standard library, and what lies beside it. What this executor
   * does not have yet is installed first, which `told` hears of. Rejects in the words of the tool that failed: with `unavailable` where
   * an index did not answer, else with `invalid-input`. Absent: nothing is ever installed.
   */
  environment?(script: string, told: Told): Promise<Environment | undefined>;
}
