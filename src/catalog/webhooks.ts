import type { Page, PageRequest } from "./paging.ts";

/** Addresses that outside programs post to. Of a token only its hash is kept. */
export interface WebhookStore {
  /** By name. */
  list(page: PageRequest): Promise<Page<Webhook>>;
  get(id: string): Promise<Webhook | undefined>;
  /** The one whose token has this hash (SHA-256, base64url). */
  byTokenHash(hash: string): Promise<Webhook | undefined>;
  /** Throws `conflict` when the name is taken, `not-found` for an unknown project. */
  create(webhook: { name: string; project: string | undefined; tokenHash: string }): Promise<Webhook>;
  /** A new token ends the old one. Throws `not-found`. */
  update(id: string, change: { active?: boolean | undefined; tokenHash?: string | undefined }): Promise<Webhook>;
  /** For people who tidy up; may be late or lost. */
  noteUse(id: string): Promise<void>;
  /** Throws `not-found`. */
  delete(id: string): Promise<void>;
}

export interface Webhook {
  id: string;
  name: string;
  /** Whose services see its events; undefined: all. */
  project: string | undefined;
  active: boolean;
  createdAt: number;
  lastUsedAt: number | undefined;
}
