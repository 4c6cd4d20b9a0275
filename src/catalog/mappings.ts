import type { Mapping, MappingContent } from "../events/mapping.ts";
import type { MappingId } from "../foundation/ids.ts";
import type { Page, PageRequest } from "./paging.ts";

/** What makes events of one type into events of another. Routers take it from the link snapshot, under the same epoch. */
export interface MappingStore {
  list(
    filter: { project?: string | undefined; fromType?: string | undefined; toType?: string | undefined },
    page: PageRequest,
  ): Promise<Page<Mapping>>;
  get(id: MappingId): Promise<Mapping | undefined>;
  /**
   * Unique by (project, fromType, toType, filter): the same again answers the mapping there is
   * (`created` false), with the new name, strategy, fields and state. Throws `invalid-input` for a mapping that
   * would feed itself or make a reserved type; `not-found` for the project. The epoch moves.
   */
  create(mapping: MappingContent): Promise<{ mapping: Mapping; created: boolean }>;
  /** Throws `not-found`; `invalid-input` as above; `conflict` when another one maps the same. The epoch moves. */
  update(id: MappingId, change: MappingChange): Promise<Mapping>;
  /** Throws `not-found`. The epoch moves. */
  delete(id: MappingId): Promise<void>;
}

/** What is left out stays; null: none. */
export type MappingChange = {
  [Name in Exclude<keyof MappingContent, "project" | "name" | "filter">]?: MappingContent[Name] | undefined;
} & { name?: string | null | undefined; filter?: string | null | undefined };
