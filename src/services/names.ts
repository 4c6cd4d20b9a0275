import { z } from "zod";
import { namePattern, nameRule } from "./service-ref.ts";

export { defaultProject, parseServiceRef, serviceRef } from "./service-ref.ts";

/** Names of projects and services. */
export const nameSchema = z.string().regex(namePattern, nameRule);
