import { PlatformError } from "../../foundation/errors.ts";
import type { PythonInterpreter } from "../runtimes/find-python.ts";
import type { DependencySettings } from "./dependency-settings.ts";
import { findPythonVersion } from "./find-python-version.ts";
import { findNpm, findPip, findUv, type NpmTool, type ToolSearch, type UvTool } from "./package-tools.ts";
import type { PythonTool } from "./python-environment.ts";

export interface PackageToolboxParts extends ToolSearch {
  settings: Pick<DependencySettings, "pythonTool">;
  /** The interpreter of services that ask for none. */
  findPython(): Promise<PythonInterpreter>;
  /** The Node that npm runs on, executable by who installs. */
  node: string;
  /** Makes a further interpreter ready for scripts, before the first of them. */
  adopt(python: PythonInterpreter): Promise<void>;
}

/** The package tools and interpreters of this machine, each looked for when it is first needed. What was not found is looked for again. */
export class PackageToolbox {
  readonly node: string;
  readonly #parts: PackageToolboxParts;
  readonly #found = new Map<string, Promise<unknown>>();

  constructor(parts: PackageToolboxParts) {
    this.#parts = parts;
    this.node = parts.node;
  }

  /** `wanted`: as "3.11"; undefined: the platform's own. Rejects with `invalid-input` or `unavailable`. */
  python(wanted: string | undefined): Promise<PythonInterpreter> {
    const { findPython, adopt } = this.#parts;
    if (wanted === undefined) return findPython();
    return this.#once(`python ${wanted}`, async () => {
      const standard = await findPython().catch(() => undefined);
      const uv = (await this.#uv())?.command;
      const found = await findPythonVersion(wanted, { ...this.#parts, standard, uv });
      if (found !== standard) await adopt(found);
      return found;
    });
  }

  pythonTool(python: PythonInterpreter): Promise<PythonTool> {
    return this.#once(`tool of ${python.command}`, async () => {
      const { pythonTool } = this.#parts.settings;
      const uv = pythonTool === "pip" ? undefined : await this.#uv();
      if (uv !== undefined) return { kind: "uv", uv };
      if (pythonTool === "uv") {
        throw new PlatformError(
          "invalid-input",
          "uv is to install Python packages and is not on the search path (setting dependencies.pythonTool)",
        );
      }
      return { kind: "pip", pip: await findPip(python.command) };
    });
  }

  npm(): Promise<NpmTool> {
    return this.#once("npm", async () => {
      const npm = await findNpm(this.#parts);
      if (npm !== undefined) return npm;
      throw new PlatformError(
        "invalid-input",
        "there is no npm here that packages can be installed with: install Node with npm for all users",
      );
    });
  }

  #uv(): Promise<UvTool | undefined> {
    return this.#once("uv", () => findUv(this.#parts));
  }

  #once<Found>(name: string, find: () => Promise<Found>): Promise<Found> {
    const known = this.#found.get(name) as Promise<Found> | undefined;
    if (known !== undefined) return known;
    const found = find();
    this.#found.set(name, found);
    found.catch(() => this.#found.delete(name));
    return found;
  }
}
