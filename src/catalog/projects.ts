import type { Page, PageRequest } from "./paging.ts";

export interface Project {
  name: string;
  description: string;
  createdAt: number;
}

export interface ProjectStore {
  list(page: PageRequest): Promise<Page<Project>>;
  get(name: string): Promise<Project | undefined>;
  /** Throws `conflict` when the name is taken. */
  create(project: { name: string; description: string }): Promise<Project>;
  /**
   * Throws `not-found`; `conflict` while it has services or mappings, so that nothing is deleted by accident;
   * `forbidden` for the project `default`.
   */
  delete(name: string): Promise<void>;
}
