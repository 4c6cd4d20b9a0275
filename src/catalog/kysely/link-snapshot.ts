import { type Kysely, sql } from "kysely";
import type { VersionId } from "../../foundation/ids.ts";
import type { Link, RoutableLink } from "../../services/link.ts";
import type { LinkSnapshot } from "../links.ts";
import { readLinkEpoch } from "./link-epoch.ts";
import { readMappings } from "./mappings.ts";
import type { LinksTable, Tables } from "./tables.ts";

export function linkOf(row: LinksTable): Link {
  const { id, project, service, version, event_type, filter, active, origin, created_at } = row;
  return {
    id,
    project,
    service,
    version,
    eventType: event_type,
    filter: filter === "" ? undefined : filter,
    active: active === 1,
    origin,
    createdAt: created_at,
  };
}

/** Every link with what a run of its service is made from, and every mapping. To be consistent, `db` must be a transaction that holds the links. */
export async function readLinkSnapshot(db: Kysely<Tables>): Promise<LinkSnapshot> {
  const epoch = await readLinkEpoch(db);
  const rows = await db
    .selectFrom("links")
    .innerJoin("services", (join) =>
      join.onRef("services.project", "=", "links.project").onRef("services.name", "=", "links.service"),
    )
    .leftJoin("versions", (join) =>
      join
        .onRef("versions.project", "=", "links.project")
        .onRef("versions.name", "=", "links.service")
        .on(
          "versions.id",
          "=",
          sql<VersionId>`case when links.version = 'active' then services.active_version else links.version end`,
        ),
    )
    .where("links.removed", "=", 0)
    .orderBy("links.id")
    .selectAll("links")
    .select([
      "services.active as service_active",
      "services.priority as service_priority",
      "versions.id as target_version",
      "versions.concurrency_key as concurrency_key",
    ])
    .execute();
  const links = rows.map(
    (row): RoutableLink => ({
      ...linkOf(row),
      target: {
        active: row.service_active === 1,
        version: row.target_version ?? undefined,
        priority: row.service_priority,
        concurrencyKey: row.concurrency_key ?? undefined,
      },
    }),
  );
  return { epoch, links, mappings: await readMappings(db) };
}
