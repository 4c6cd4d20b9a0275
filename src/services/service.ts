import type { VersionId } from "../foundation/ids.ts";
import type { Manifest } from "./manifest.ts";

/** A self-contained piece of functionality: a directory of scripts, deployed in versions. */
export interface Service {
  project: string;
  name: string;
  /** The version that links and runs naming "active" use. Undefined until the first deploy. */
  activeVersion: VersionId | undefined;
  active: boolean;
  /** 1 (highest) to 10 (lowest); a person's choice wins over the manifest's. */
  priority: number;
  /** Set when a person chose the priority or the active flag; a redeploy then leaves them alone. */
  pinned: { priority: boolean; active: boolean };
  /** Scopes beside its own whose secrets its scripts may set; a person grants them. */
  grants: readonly GrantedScope[];
  createdAt: number;
  updatedAt: number;
}

export const grantedScopes = ["project", "platform"] as const;
export type GrantedScope = (typeof grantedScopes)[number];

/** Immutable: the same content always has the same id. */
export interface ServiceVersion {
  id: VersionId;
  project: string;
  name: string;
  manifest: Manifest;
  /** Script paths in the order they run. */
  scripts: string[];
  files: ServiceFile[];
  warnings: string[];
  createdAt: number;
}

export interface ServiceFile {
  /** Relative, with `/`, without `.` or `..` parts. */
  path: string;
  sizeBytes: number;
  /** SHA-256 of the content, base64url: its address in the artifact store. */
  hash: string;
}
