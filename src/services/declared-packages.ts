import { posix } from "node:path";
import { messageOf, PlatformError } from "../foundation/errors.ts";
import { type LocalReference, withReferences } from "./local-references.ts";
import type { ServiceSource, SourceFile } from "./service-source.ts";

export const requirementsFile = "requirements.txt";
export const packageFile = "package.json";

/** What a service asks a package tool for. */
export interface DeclaredPackages {
  /** The file that says so. */
  file: typeof requirementsFile | typeof packageFile;
  text: string;
  /** What the tool is given, and what the outcome depends on: the file, and those of the service that it leads to. */
  files: readonly SourceFile[];
}

/** Undefined where there is no requirements.txt, or one that asks for nothing. */
export async function declaredPythonPackages(source: ServiceSource): Promise<DeclaredPackages | undefined> {
  const text = await textOf(source, requirementsFile);
  if (text === undefined || requirementLines(text).length === 0) return undefined;
  return { file: requirementsFile, text, files: await withReferences(source, [requirementsFile], pythonReferences) };
}

/**
 * Undefined where package.json asks for nothing, or where the service brings its own node_modules. Throws
 * `invalid-input` for a package.json that is not one.
 */
export async function declaredNodePackages(source: ServiceSource): Promise<DeclaredPackages | undefined> {
  const text = await textOf(source, packageFile);
  if (text === undefined || source.files.some(({ path }) => path.startsWith("node_modules/"))) return undefined;
  if (specifiersOf(text).length === 0) return undefined;
  const first = [packageFile, "package-lock.json", "npm-shrinkwrap.json", ".npmrc"];
  return { file: packageFile, text, files: await withReferences(source, first, nodeReferences) };
}

export interface RequirementLine {
  /** From 1. */
  number: number;
  text: string;
}

/** Lines of requirements.txt that say something (pip's "Requirements File Format"); the first of each that is continued. */
export function requirementLines(text: string): RequirementLine[] {
  const lines: RequirementLine[] = [];
  let continued: RequirementLine | undefined;
  for (const [index, line] of text
    .replace(/^\ufeff/, "")
    .split(/\r?\n/)
    .entries()) {
    const said = line.replace(/(^|\s)#.*$/, "").trim();
    const rest = said.replace(/\\$/, "").trim();
    if (continued !== undefined) continued.text += ` ${rest}`;
    else if (rest !== "") lines.push({ number: index + 1, text: rest });
    continued = said.endsWith("\\") ? (continued ?? lines.at(-1)) : undefined;
  }
  return lines;
}

/** Files of requirements are named from the file that names them, packages from the service's directory. */
function pythonReferences(text: string, directory: string): LocalReference[] {
  return requirementLines(text).flatMap(({ text: line }): LocalReference[] => {
    const file = /^(?:-r|-c|--requirement|--constraint)(?:\s*=\s*|\s+|(?=[^\s=-]))(\S+)/.exec(line)?.[1];
    if (file !== undefined) return [{ path: posix.join(directory, file), leadsOn: true }];
    const option = /^(?:-e|--editable|-f|--find-links)(?:\s*=\s*|\s+)(\S+)/.exec(line)?.[1];
    const named =
      option ?? /(?:^|@\s*)((?:file:|[./])\S*)/.exec(line)?.[1] ?? /^(\S+\.(?:whl|gz|zip))(?:\s|$)/.exec(line)?.[1];
    if (named === undefined || /^(?!file:)[\w+]+:\/\//.test(named)) return [];
    return [{ path: named.replace(/^file:(\/\/)?/, "").replace(/\[.*$/, ""), leadsOn: false }];
  });
}

/** A package in a directory may ask for another one beside it. */
function nodeReferences(text: string, directory: string): LocalReference[] {
  return specifiersOf(text)
    .map((specifier) => /^(?:file:|link:|(?=[./~]))(.*)$/.exec(specifier)?.[1])
    .filter((path) => path !== undefined)
    .map((path) => ({ path: posix.isAbsolute(path) ? path : posix.join(directory, path), leadsOn: true }));
}

function specifiersOf(text: string): string[] {
  let parsed: Record<string, unknown>;
  try {
    parsed = JSON.parse(text.replace(/^\ufeff/, "")) as Record<string, unknown>;
  } catch (error) {
    const message = `must be JSON: ${messageOf(error)}`;
    throw new PlatformError("invalid-input", `${packageFile} ${message}`, {
      problems: [{ path: packageFile, message }],
    });
  }
  return [parsed?.dependencies, parsed?.optionalDependencies].flatMap((group) =>
    typeof group === "object" && group !== null ? Object.values(group).map(String) : [],
  );
}

async function textOf(source: ServiceSource, path: string): Promise<string | undefined> {
  if (!source.files.some((file) => file.path === path)) return undefined;
  return Buffer.from(await source.read(path)).toString();
}
