import type { ServiceFile } from "./service.ts";

export type SourceFile = Pick<ServiceFile, "path" | "hash">;

/** The files of a service, in a package that arrives as in a version that is stored. */
export interface ServiceSource {
  files: readonly SourceFile[];
  read(path: string): Promise<Uint8Array>;
}
