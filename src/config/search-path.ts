/** Directories that programs are looked for in, with `:` between them. */
export function searchPath(): string | undefined {
  return process.env.PATH;
}
