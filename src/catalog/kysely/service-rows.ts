import type { Kysely } from "kysely";
import { PlatformError } from "../../foundation/errors.ts";
import type { VersionId } from "../../foundation/ids.ts";
import type { Manifest } from "../../services/manifest.ts";
import type { GrantedScope, Service, ServiceFile, ServiceVersion } from "../../services/service.ts";
import type { ServicesTable, Tables, VersionsTable } from "./tables.ts";

export function serviceOf(row: ServicesTable): Service {
  return {
    project: row.project,
    name: row.name,
    activeVersion: row.active_version ?? undefined,
    active: row.active === 1,
    priority: row.priority,
    pinned: { priority: row.priority_pinned === 1, active: row.active_pinned === 1 },
    grants: JSON.parse(row.grants) as GrantedScope[],
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

export function versionOf(row: VersionsTable): ServiceVersion {
  return {
    id: row.id,
    project: row.project,
    name: row.name,
    manifest: JSON.parse(row.manifest) as Manifest,
    scripts: JSON.parse(row.scripts) as string[],
    files: JSON.parse(row.files) as ServiceFile[],
    warnings: JSON.parse(row.warnings) as string[],
    createdAt: row.created_at,
  };
}

export function versionRowOf(version: Omit<ServiceVersion, "createdAt">, now: number): VersionsTable {
  const { id, project, name, manifest, scripts, files, warnings } = version;
  return {
    id,
    project,
    name,
    manifest: JSON.stringify(manifest),
    scripts: JSON.stringify(scripts),
    files: JSON.stringify(files),
    warnings: JSON.stringify(warnings),
    concurrency_key: manifest.concurrency_key ?? null,
    on_lost: manifest.on_lost,
    catch_up: manifest.catch_up,
    created_at: now,
  };
}

export function readService(db: Kysely<Tables>, project: string, name: string): Promise<ServicesTable | undefined> {
  return db
    .selectFrom("services")
    .selectAll()
    .where("project", "=", project)
    .where("name", "=", name)
    .executeTakeFirst();
}

export async function requireService(db: Kysely<Tables>, project: string, name: string): Promise<ServicesTable> {
  const row = await readService(db, project, name);
  if (row === undefined) throw new PlatformError("not-found", `there is no service ${project}/${name}`);
  return row;
}

export function readVersion(
  db: Kysely<Tables>,
  project: string,
  name: string,
  id: VersionId,
): Promise<VersionsTable | undefined> {
  return db
    .selectFrom("versions")
    .selectAll()
    .where("project", "=", project)
    .where("name", "=", name)
    .where("id", "=", id)
    .executeTakeFirst();
}

export async function requireVersion(
  db: Kysely<Tables>,
  project: string,
  name: string,
  id: VersionId,
): Promise<VersionsTable> {
  const row = await readVersion(db, project, name, id);
  if (row === undefined) throw new PlatformError("not-found", `service ${project}/${name} has no version ${id}`);
  return row;
}
