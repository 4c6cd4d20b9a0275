import { z } from "zod";

export const bytes = (fallback: number) => z.int().min(1).default(fallback);
export const durationMs = (fallback: number) => z.int().min(1).default(fallback);

/** Where a server answers. Its user and password, which messages would show with the address, have settings of their own. */
export const httpUrl = (example: string) =>
  z
    .url({ protocol: /^https?$/, error: `must be a URL with http:// or https://, such as ${example}` })
    .refine((text) => !/^\w+:\/\/[^/]*@/.test(text), {
      error: "must have no user and no password in it; those have settings of their own",
    });
