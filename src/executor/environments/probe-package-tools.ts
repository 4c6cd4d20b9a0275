import { findPython } from "../runtimes/find-python.ts";
import type { DependencySettings } from "./dependency-settings.ts";
import { versionsHere } from "./find-python-version.ts";
import { findBundledPip, findNpm, findPip, findUv, type ToolSearch } from "./package-tools.ts";

/** Undefined: not there. */
export interface PackageToolsProbe {
  /** What installs requirements.txt, with its version. */
  python: string | undefined;
  /** What installs package.json. */
  node: string | undefined;
  /** Versions that a manifest can ask for with `python`. */
  pythonVersions: string[];
}

/** What of package tools this machine offers; installs nothing. */
export async function probePackageTools(
  search: ToolSearch & { python?: string | undefined; tool: DependencySettings["pythonTool"] },
): Promise<PackageToolsProbe> {
  const standard = await findPython({ ...search, wanted: search.python }).catch(() => undefined);
  const uv = search.tool === "pip" ? undefined : await findUv(search);
  const pip = standard && search.tool !== "uv" && !uv ? await pipVersion(standard.command) : undefined;
  const npm = await findNpm(search);
  return {
    python: uv ? `uv ${uv.version}` : pip && `pip ${pip}`,
    node: npm && `npm ${npm.version}`,
    pythonVersions: await versionsHere({ ...search, standard }),
  };
}

async function pipVersion(python: string): Promise<string | undefined> {
  return (await findPip(python))?.version ?? (await findBundledPip(python));
}
