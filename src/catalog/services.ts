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
   * again (`created` is false, `former` names the one before); where it is that already, nothing changes at all. One transaction;
   * the link epoch moves.
   */
  deploy(version: Omit<ServiceVersion, "createdAt">): Promise<DeployedVersion>;

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
   * Deletes the service, its versions, links and jobs. Pending executions become `cancelled`, running
   * ones are asked to stop, and both tell that their service was deleted. History stays until retention
   * takes it. The link epoch moves. Throws `not-found`; with `onlyEnded` `conflict` while executions of
   * it have not ended, so that no work is stopped by accident.
   */
  delete(project: string, name: string, options?: { onlyEnded?: boolean }): Promise<DeletedService>;

  /** Hashes of all files of all versions: what the artifact store must keep. */
  referencedFiles(): Promise<Set<string>>;
}

export interface DeployedVersion {
  version: ServiceVersion;
  created: boolean;
  /** The version that was active before; undefined where there was none. */
  former: VersionId | undefined;
}

/** How much went with a service. */
export interface DeletedService {
  versions: number;
  links: number;
  /** Runs that its scripts asked for later. */
  jobs: number;
  /** Executions that waited, and are cancelled. */
  pending: number;
  /** Executions that ran, and are asked to stop. */
  running: number;
}
