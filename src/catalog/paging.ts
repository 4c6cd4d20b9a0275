/** A page of a list, by key: `next` of one page is `after` of the following one; undefined at the end. */
export interface Page<Item> {
  items: Item[];
  next: string | undefined;
}

export interface PageRequest {
  /** 1 to 1,000. */
  limit: number;
  /** `next` of the previous page. Throws `invalid-input` when it was not made by us. */
  after?: string | undefined;
}

export const maxPageSize = 1000;
