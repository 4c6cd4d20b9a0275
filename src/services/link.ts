import type { LinkId, VersionId } from "../foundation/ids.ts";

/** Joins an event type to a service. Unique by (project, service, version, eventType, filter). */
export interface Link {
  id: LinkId;
  project: string;
  service: string;
  /** "active" follows the service's active version; an id pins one. */
  version: "active" | VersionId;
  /** Exact, or with a trailing `.*`, which matches every type below that prefix. */
  eventType: string;
  /** CEL over `event`. */
  filter: string | undefined;
  active: boolean;
  /** Who made it. A redeploy touches `manifest` links only, and never revives one that a person removed. */
  origin: "manifest" | "person";
  createdAt: number;
}

/** A link as the router needs it: with what a run of its service is made from. */
export interface RoutableLink extends Link {
  target: RoutableService;
}

/** What routing must know of a link's service, read in the same transaction as the link. */
export interface RoutableService {
  active: boolean;
  /** The concrete version that a match starts; undefined when the service has no version (or the pinned one is gone). */
  version: VersionId | undefined;
  priority: number;
  concurrencyKey: string | undefined;
}
