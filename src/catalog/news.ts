export const catalogChanges = ["links", "dispatch"] as const;
/** `links`: what routing goes by; `dispatch`: executions came, which may be claimed. */
export type CatalogChange = (typeof catalogChanges)[number];

/** What any process changed in the database that several share. A hint: it may be lost or doubled, and every loop also looks by itself. */
export interface CatalogNews {
  /** Answers how to stop listening. */
  onChange(listener: (change: CatalogChange) => void): () => void;
}
