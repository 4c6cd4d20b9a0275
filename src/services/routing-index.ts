import type { Mapping } from "../events/mapping.ts";
import type { RoutableLink } from "./link.ts";
import { LinkIndex } from "./link-index.ts";
import { MappingIndex } from "./mapping-index.ts";

/** All that an event is held against, as of one epoch. */
export class RoutingIndex {
  readonly epoch: number;
  readonly links: LinkIndex;
  readonly mappings: MappingIndex;

  constructor(snapshot: { epoch: number; links: readonly RoutableLink[]; mappings: readonly Mapping[] }) {
    this.epoch = snapshot.epoch;
    this.links = new LinkIndex(snapshot.epoch, snapshot.links);
    this.mappings = new MappingIndex(snapshot.mappings);
  }

  /** Whether any link or mapping, active or not, names this type. */
  wants(type: string): boolean {
    return this.links.wants(type) || this.mappings.wants(type);
  }
}
