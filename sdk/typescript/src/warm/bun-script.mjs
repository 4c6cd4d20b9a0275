import { readFileSync } from "node:fs";
import { dirname, extname } from "node:path";
import { installConsole } from "./bun-console.mjs";

const sdk = "@streamzero/fx";
const sdkOfRun = `${sdk}/run`;
// As Bun itself reads these endings.
const loaders = { ".js": "jsx", ".mjs": "js", ".cjs": "js", ".ts": "ts", ".mts": "ts", ".cts": "ts" };
const importOfSdk = /(\bfrom\s*|\bimport\s*)(["'])@streamzero\/fx\2/g;
const typesOfSdk = /\bimport\s+type\b[^;"']*(["'])@streamzero\/fx\1/g;
/** Bun collects what it knows of; texts of scripts are not among it. */
const textBetweenCollections = 8 * 1024 * 1024;

/** A script on Bun, which is loaded anew at each `start`; what it imports is loaded once. */
export class BunScript {
  rejectsLate = true;
  startsAfterReturn = true;
  isRepeatable = true;
  #file;
  #source;
  #sdk;
  #evaluatedLength = 0;

  constructor(file) {
    this.#file = file;
    Bun.main = file;
    installConsole();
  }

  async load() {
    this.#source = readFileSync(this.#file, "utf8");
    const imports = this.#scan(this.#source);
    this.#giveSdk(imports);
    // Attributes say how a file is read, which only its own import can.
    if (/\bwith\s*\{/.test(this.#source)) return;
    for (const { kind, path } of imports) if (kind === "import-statement" && path !== sdk) await this.#loadModule(path);
  }

  async start(sdkOfThisRun) {
    this.#sdk = sdkOfThisRun;
    this.#evaluatedLength += this.#source.length;
    delete require.cache[this.#file];
    delete require.cache[sdkOfRun];
    await import(this.#file);
  }

  onError(heard) {
    process.setUncaughtExceptionCaptureCallback(heard);
    process.on("unhandledRejection", (error) => {
      if (process.listenerCount("unhandledRejection") === 1) heard(error);
    });
  }

  describe(error) {
    const system = process.platform[0].toUpperCase() + process.platform.slice(1);
    const shown = Bun.inspect(error).trimEnd();
    return `${error instanceof Error ? "" : "error: "}${shown}\n\nBun v${Bun.version} (${system} ${process.arch})\n`;
  }

  active() {
    return ["what went on after process.exit"];
  }

  rest() {
    if (this.#evaluatedLength < textBetweenCollections) return;
    this.#evaluatedLength = 0;
    Bun.gc(true);
  }

  #scan(source) {
    return new Bun.Transpiler({ loader: loaders[extname(this.#file)], target: "bun" }).scanImports(source);
  }

  async #loadModule(path) {
    const found = Bun.resolveSync(path, dirname(this.#file));
    if (found.includes(":") || /\.([cm]?[jt]s|[jt]sx)$/.test(found)) await import(found);
  }

  /**
   * A module's import of the SDK means the run of the moment; the script's own means the run that the script was loaded for. Only
   * where it is sure that each place in the text is an import.
   */
  #giveSdk(imports) {
    const wanted = imports.filter(({ kind, path }) => kind === "import-statement" && path === sdk).length;
    const source = this.#source.replace(typesOfSdk, (text) => text.replace(/[^\n]/g, " "));
    const changed = source.replace(importOfSdk, `$1$2${sdkOfRun}$2`);
    const isSure = wanted > 0 && source.match(importOfSdk)?.length === wanted;
    const contents = isSure ? changed : undefined;
    const filter = new RegExp(`^${this.#file.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}$`);
    Bun.plugin({
      name: `${sdk} of a run`,
      setup: (build) => {
        build.module(sdkOfRun, () => ({ exports: this.#sdk, loader: "object" }));
        if (contents) build.onLoad({ filter }, () => ({ contents, loader: loaders[extname(this.#file)] }));
      },
    });
  }
}
