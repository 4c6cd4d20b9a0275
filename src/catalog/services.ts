import type { VersionId } from "../foundation/ids.ts";
import type { GrantedScope, Service, ServiceVersion } from "../services/service.ts";
import type { Page, PageRequest } from "./paging.ts";

export interface ServiceStore {
  list(filter: { project?: string | undefined }, page: PageRequest): Promise<Page<Service>>;
  get(project: string, name: string): Promise<Service | undefined>;

  /**
   * Stores a version and makes it the active one; creates project and service when missing; lays
   * the manifest's links (rule D17: links that a person made stay, those that a person removed are
   * not revived, those of an older manifest that the new one no longer names go); writes
   * `fx.service.deployed` to the outbox. A version that is there already is made the active one
   * again (`created` is false); where it is that already, nothing changes at all. One transaction;
   * the link epoch moves.
   */
  deploy(version: Omit<ServiceVersion, "createdAt">): Promise<{ version: ServiceVersion; created: boolean }>;

  versions(project: string, name: string, page: PageRequest): Promise<Page<ServiceVersion>>;
  version(id: VersionId): Promise<ServiceVersion | undefined>;

  /**
   * Throws `not-found` for the service or the version. Another active version brings its manifest's
   * links and schedule, as its deploy did. The link epoch moves.
   */
  update(
    project: string,
    name: string,
    change: { activeVersion?: VersionId | undefined; active?: boolean | undefined; priority?: number | undefined },
  ): Promise<Service>;

  /** Replaces the scopes whose secrets the service may set. Throws `not-found`. */
  grant(project: string, name: string, grants: readonly GrantedScope[]): Promise<Service>;

  /**
   * Deletes the service, its versions and links. Pending executions become `cancelled`, running
   * ones are asked to stop. History stays until retention takes it. The link epoch moves.
   */
  delete(project: string, name: string): Promise<void>;

  /** Hashes of all files of all versions: what the artifact store must keep. */
  referencedFiles(): Promise<Set<string>>;
}
