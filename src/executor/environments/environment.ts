/** What a service's scripts import from, in one language. Installed once for equal content; never written to again. */
export interface Environment {
  /** Equal keys: equal content, for the same interpreter and the same options. */
  key: string;
  python?: PythonEnvironment;
  /** Absolute path of the installed `node_modules`. */
  nodeModules?: string;
  /** Absolute paths that a script must be able to read. */
  files: readonly string[];
}

export interface PythonEnvironment {
  /** The interpreter to start: the virtual environment's, or the base itself where nothing is installed. */
  command: string;
  /** The interpreter below it. It knows none of the installed packages, so a warm one runs no code of theirs. */
  base: string;
  /** Root of the virtual environment, where there is one. */
  prefix?: string;
  sitePackages: readonly string[];
}

/** How an environment was had; what a deploy reports. */
export interface EnvironmentReport {
  /** "requirements.txt" or "package.json". */
  file: string;
  /** E.g. "pip 23.0.1 for Python 3.11.2". */
  tool: string;
  cached: boolean;
  durationMs: number;
}

/** Hears what happens, a line at a time, without credentials. */
export type Told = (line: string) => void;
