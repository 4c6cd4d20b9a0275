import type { Problem } from "../../../foundation/errors.ts";
import { declaredNodePackages, declaredPythonPackages } from "../../../services/declared-packages.ts";
import { elsewhereOf } from "../../../services/elsewhere.ts";
import type { Manifest } from "../../../services/manifest.ts";
import type { ServiceSource } from "../../../services/service-source.ts";

/** What scripts ask a package tool for and would not find: what they import in a container is the image's, and nothing is installed there. */
export async function imagePackagesProblems(
  manifest: Manifest,
  scripts: readonly string[],
  source: ServiceSource,
): Promise<Problem[]> {
  const interpreters = scripts.map((script) => {
    const elsewhere = elsewhereOf(manifest, script);
    return elsewhere?.kind === "container" ? elsewhere.interpreter : undefined;
  });
  const usesPython = interpreters.includes("python");
  const usesJavaScript = interpreters.includes("node") || interpreters.includes("bun");
  const declared = [
    usesPython ? await declaredPythonPackages(source) : undefined,
    usesJavaScript ? await declaredNodePackages(source) : undefined,
  ];
  return declared
    .filter((packages) => packages !== undefined)
    .map(({ file }) => ({
      path: file,
      message: `asks for packages, and with the isolation "container" scripts have those of their image (${manifest.image}): install them there, and leave them out here`,
    }));
}
