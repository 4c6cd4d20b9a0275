import { type IndexKind, indexPattern } from "../../ops-data/elasticsearch/indices.ts";
import { panels } from "./panels.ts";

/** Whose import takes them; what they show is the same. */
export type DashboardsOf = "kibana" | "opensearch";

export interface SavedObject {
  id: string;
  type: "index-pattern" | "visualization" | "search" | "dashboard";
  attributes: Record<string, unknown>;
  references: { id: string; name: string; type: string }[];
  /** The form that these are in; Kibana brings older ones up to its own. */
  migrationVersion?: Record<string, string>;
}

/** The oldest that every Kibana 8 and 9 takes, and OpenSearch Dashboards of its own line. */
const forms: Record<DashboardsOf, Partial<Record<SavedObject["type"], string>>> = {
  kibana: { "index-pattern": "7.11.0", visualization: "7.14.0", search: "7.9.3", dashboard: "7.14.0" },
  opensearch: { "index-pattern": "7.6.0", visualization: "7.10.0", search: "7.9.3", dashboard: "7.9.3" },
};
const shown: Partial<Record<IndexKind, string>> = {
  lines: "Lines of output and logging",
  events: "Events",
  executions: "Executions that ended",
  metrics: "What processes measured of themselves",
};
const indexReference = "kibanaSavedObjectMeta.searchSourceJSON.index";

/** Data views, a panel for each question, and the dashboard of them, as their import takes them: each refers to those before it. */
export function savedObjects(prefix: string, whose: DashboardsOf): SavedObject[] {
  const dataViews = Object.entries(shown).map(([kind, title]) => dataView(prefix, kind as IndexKind, title));
  const panelObjects = panels.map(({ name, kind, query, state, columns }): SavedObject => {
    const searchSource = { query: { query, language: "kuery" }, filter: [], indexRefName: indexReference };
    const attributes = {
      title: state.title,
      description: "",
      ...(columns ? { columns, sort: [["@timestamp", "desc"]], hits: 0 } : { visState: JSON.stringify(state) }),
      ...(columns ? {} : { uiStateJSON: "{}" }),
      version: 1,
      kibanaSavedObjectMeta: { searchSourceJSON: JSON.stringify(searchSource) },
    };
    const references = [{ id: dataViewId(prefix, kind), name: indexReference, type: "index-pattern" }];
    return { id: `${prefix}-${name}`, type: columns ? "search" : "visualization", attributes, references };
  });
  const objects = [...dataViews, ...panelObjects, dashboard(prefix, panelObjects)];
  return objects.map((object) => {
    const form = forms[whose][object.type];
    return form === undefined ? object : { ...object, migrationVersion: { [object.type]: form } };
  });
}

function dataView(prefix: string, kind: IndexKind, title: string): SavedObject {
  const pattern = indexPattern(`${prefix}-`, kind);
  const attributes = { title: pattern, name: `${title} (${pattern})`, timeFieldName: "@timestamp" };
  return { id: dataViewId(prefix, kind), type: "index-pattern", attributes, references: [] };
}

function dataViewId(prefix: string, kind: IndexKind): string {
  return `${prefix}-${kind}-view`;
}

/** Two panels a row, of half the 48 columns each. */
function dashboard(prefix: string, objects: readonly SavedObject[]): SavedObject {
  const placed = objects.map(({ type }, index) => ({
    version: "7.10.0",
    type,
    panelIndex: String(index + 1),
    gridData: { x: (index % 2) * 24, y: Math.floor(index / 2) * 15, w: 24, h: 15, i: String(index + 1) },
    embeddableConfig: {},
    panelRefName: `panel_${index + 1}`,
  }));
  return {
    id: `${prefix}-dashboard`,
    type: "dashboard",
    attributes: {
      title: `StreamZero FX (${prefix})`,
      description: "What ran, how it ended and how long it took; what was said; which events came.",
      panelsJSON: JSON.stringify(placed),
      optionsJSON: JSON.stringify({ useMargins: true, hidePanelTitles: false }),
      timeRestore: true,
      timeFrom: "now-24h",
      timeTo: "now",
      refreshInterval: { pause: false, value: 30_000 },
      version: 1,
      kibanaSavedObjectMeta: {
        searchSourceJSON: JSON.stringify({ query: { query: "", language: "kuery" }, filter: [] }),
      },
    },
    references: objects.map(({ id, type }, index) => ({ id, name: `panel_${index + 1}`, type })),
  };
}
