import { existsSync } from "node:fs";
import { join } from "node:path";
import type { DeclaredPackages } from "../../services/declared-packages.ts";
import type { DependencySettings } from "./dependency-settings.ts";
import { installFailure } from "./install-problem.ts";
import type { InstallStep } from "./installer.ts";
import type { NpmTool } from "./package-tools.ts";

/** What people read of it. */
export function describeNodeTool(npm: NpmTool): string {
  return `npm ${npm.version} for Node ${process.versions.node}`;
}

/** `npm ci` where there is a lock, else `npm install`; beside package.json, so that packages in the service's own directories are found. */
export function nodeInstallSteps(
  npm: NpmTool,
  node: string,
  settings: DependencySettings,
  declared: DeclaredPackages,
): InstallStep[] {
  const locked = declared.files.some(({ path }) => path === "package-lock.json" || path === "npm-shrinkwrap.json");
  const args = [
    npm.program,
    ...(locked ? ["ci"] : ["install", "--no-package-lock"]),
    ...["--omit=dev", "--no-audit", "--no-fund", "--no-update-notifier", "--no-progress", "--color=false"],
    ...(settings.npmScripts ? [] : ["--ignore-scripts"]),
    ...(settings.offline ? ["--offline"] : []),
    ...(settings.npmRegistry ? [`--registry=${settings.npmRegistry}`] : []),
  ];
  return [{ command: node, args }];
}

export function nodeModulesOf(source: string): string {
  return join(source, "node_modules");
}

/** npm links a directory that is not there without a word. */
export function requireModules(declared: DeclaredPackages, nodeModules: string): void {
  const { dependencies = {} } = JSON.parse(declared.text.replace(/^\ufeff/, "")) as Record<string, object | undefined>;
  const missing = Object.entries(dependencies).find(([name]) => !existsSync(join(nodeModules, name)));
  if (missing === undefined) return;
  throw installFailure(declared, "npm", [`error: there is nothing where ${missing.join(" was to come from: ")}`]);
}

/** The line of npm's own configuration that holds the token; in a file, since everybody can read arguments. */
export function npmTokenLine({ npmRegistry, npmToken }: DependencySettings): string {
  if (npmRegistry === undefined || npmToken === undefined) return "";
  return `//${npmRegistry.replace(/^https?:\/\//, "").replace(/\/*$/, "/")}:_authToken=${npmToken}\n`;
}
