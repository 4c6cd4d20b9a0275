import type { FastifySchemaCompiler } from "fastify";
import type { z } from "zod";
import { schemaWords } from "../../foundation/schema-words.ts";

/** Holds what a request brings to its route's schema. What it refuses is told in words for people. */
export const validateRequest: FastifySchemaCompiler<z.ZodType> =
  ({ schema }) =>
  (given) => {
    const read = schema.safeParse(given, { error: schemaWords });
    if (read.success) return { value: read.data };
    const error = read.error.issues.map(({ code, path, message }) => {
      const place = `/${path.map(String).join("/")}`;
      return { keyword: code, instancePath: place, schemaPath: `#${place}`, params: {}, message };
    });
    return { error };
  };
