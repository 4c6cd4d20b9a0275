"use strict";
const { readFileSync } = require("node:fs");
const { Module, createRequire, findPackageJSON, registerHooks, stripTypeScriptTypes } = require("node:module");
const { dirname, extname } = require("node:path");
const { pathToFileURL } = require("node:url");
const vm = require("node:vm");
const { describeError } = require("./node-error.cjs");
const { rewriteModule } = require("./rewrite-module.cjs");

const wrapperNames = ["exports", "require", "module", "__filename", "__dirname"];

/** A script on Node, whose lines run at each `start`. The code is compiled once, and what it imports is loaded once. */
class NodeScript {
  rejectsLate = false;
  startsAfterReturn = false;
  isRepeatable = true;
  #file;
  #url;
  #opened;
  #run;

  constructor(file) {
    this.#file = file;
    this.#url = pathToFileURL(file).href;
    this.#opened = this.#open();
    // What is wrong is told when the script is to run.
    this.#opened.catch(() => {});
  }

  async load() {
    const open = await this.#opened;
    this.#run = await open();
    this.#letGo();
  }

  start(sdk) {
    return this.#run(sdk);
  }

  onError(heard) {
    process.setUncaughtExceptionCaptureCallback(heard);
  }

  describe(error) {
    return describeError(error);
  }

  active() {
    return process.getActiveResourcesInfo();
  }

  rest() {}

  /** Types become spaces. */
  #read() {
    const source = readFileSync(this.#file, "utf8");
    return /ts$/.test(extname(this.#file)) ? stripTypeScriptTypes(source) : source;
  }

  /** As Node finds it; undefined where the text decides. */
  #format() {
    const kind = extname(this.#file)[1];
    if (kind === "m") return "module";
    if (kind === "c") return "commonjs";
    const description = findPackageJSON(this.#url);
    // Where there is none Node answers with another path.
    if (!description?.endsWith("/package.json")) return undefined;
    return JSON.parse(readFileSync(description, "utf8")).type;
  }

  /** Undefined for a text that can only be a module. */
  #compile(source, isSure) {
    let lines;
    try {
      lines = vm.compileFunction(source.replace(/^#!/, "//"), wrapperNames, {
        filename: this.#file,
        importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
      });
    } catch (error) {
      if (isSure) throw error;
      return undefined;
    }
    return (sdk) => {
      const own = this.#createModule();
      lines.call(own.exports, own.exports, this.#createRequire(sdk), own, this.#file, dirname(this.#file));
    };
  }

  #createModule() {
    const own = new Module(this.#file);
    own.id = ".";
    own.filename = this.#file;
    own.paths = Module._nodeModulePaths(dirname(this.#file));
    Module._cache[this.#file] = own;
    process.mainModule = own;
    return own;
  }

  #createRequire(sdk) {
    const load = createRequire(this.#file);
    return Object.assign((name) => (name === "@streamzero/fx" ? sdk : load(name)), load);
  }

  /** Compiles. What is resolved with loads the modules, and gives what runs the script's lines. */
  async #open() {
    const source = this.#read();
    const format = this.#format();
    const commonJs = format === "module" ? undefined : this.#compile(source, format === "commonjs");
    if (commonJs) return () => commonJs;
    const rewritten = this.#rewrite(source);
    return rewritten === undefined ? () => () => import(this.#url) : () => this.#import(rewritten);
  }

  async #import(rewritten) {
    const own = pathToFileURL(__filename).href;
    registerHooks({
      // A module that imports the script gets one of its own, whose lines have run once.
      resolve: (specifier, resolving, next) => {
        const found = next(specifier, resolving);
        const isOther = found.url === this.#url && resolving.parentURL !== own;
        return isOther ? { ...found, url: `${this.#url}?imported` } : found;
      },
      load: (url, loading, next) =>
        url === this.#url ? { format: "module", source: rewritten, shortCircuit: true } : next(url, loading),
    });
    const { default: run } = await import(this.#url);
    return run;
  }

  /** Undefined for what Node alone can read, or say why not. */
  #rewrite(source) {
    try {
      return rewriteModule(source);
    } catch {
      this.isRepeatable = false;
      return undefined;
    }
  }

  /** What modules have opened while they were loaded is theirs, and no run waits for it. */
  #letGo() {
    for (const handle of process._getActiveHandles()) handle.unref?.();
  }
}

module.exports = { NodeScript };
