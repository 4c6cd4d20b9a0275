import { indexTemplate, templateName } from "../../ops-data/elasticsearch/index-templates.ts";
import { indexKinds } from "../../ops-data/elasticsearch/indices.ts";
import { type DashboardsOf, savedObjects } from "./saved-objects.ts";

export interface ExportOptions {
  /** As the setting `opsData.prefix`. */
  prefix: string;
  replicas: number;
  whose: DashboardsOf;
}

/** By name: the bodies of `PUT _index_template/<name>`, and what the import of saved objects takes. */
export function exportFiles({ prefix, replicas, whose }: ExportOptions): Record<string, string> {
  const templates = indexKinds.map((kind) => {
    const body = JSON.stringify(indexTemplate(`${prefix}-`, kind, { replicas }), undefined, 2);
    return [`index-templates/${templateName(`${prefix}-`, kind)}.json`, `${body}\n`] as const;
  });
  const objects = savedObjects(prefix, whose).map((object) => `${JSON.stringify(object)}\n`);
  return { ...Object.fromEntries(templates), "saved-objects.ndjson": objects.join("") };
}
