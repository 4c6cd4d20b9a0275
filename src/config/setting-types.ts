import { z } from "zod";

export const bytes = (fallback: number) => z.int().min(1).default(fallback);
export const durationMs = (fallback: number) => z.int().min(1).default(fallback);
