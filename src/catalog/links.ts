import type { Mapping } from "../events/mapping.ts";
import type { LinkId, VersionId } from "../foundation/ids.ts";
import type { Link, RoutableLink } from "../services/link.ts";
import type { Page, PageRequest } from "./paging.ts";

export interface LinkStore {
  list(
    filter: { project?: string | undefined; service?: string | undefined; eventType?: string | undefined },
    page: PageRequest,
  ): Promise<Page<Link>>;
  get(id: LinkId): Promise<Link | undefined>;
  /**
   * Origin `person`. The same content again answers the link there is (`created` false), made
   * `person`'s and revived where it was removed (rule D17). Throws `not-found` for service or version. The epoch moves.
   */
  create(link: {
    project: string;
    service: string;
    version: "active" | VersionId;
    eventType: string;
    filter: string | undefined;
    active: boolean;
  }): Promise<{ link: Link; created: boolean }>;
  /**
   * Makes the link a person's; what a manifest had laid leaves a tombstone of its former content, so
   * that a redeploy does not lay it again beside the changed one. Throws `not-found`; `conflict` when the new content is another link's. The epoch moves.
   */
  update(
    id: LinkId,
    change: {
      version?: "active" | VersionId | undefined;
      eventType?: string | undefined;
      filter?: string | null | undefined;
      active?: boolean | undefined;
    },
  ): Promise<Link>;
  /** Leaves a tombstone, so that a redeploy does not revive it. Throws `not-found`. The epoch moves. */
  delete(id: LinkId): Promise<void>;

  /** All links with what routing needs of their services, all mappings, and the epoch they were read at; one consistent read. */
  snapshot(): Promise<LinkSnapshot>;
  /** Grows with every change that can alter what an event matches. */
  epoch(): Promise<number>;
}

export interface LinkSnapshot {
  epoch: number;
  links: RoutableLink[];
  mappings: Mapping[];
}
