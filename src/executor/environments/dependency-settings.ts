/** How packages are had; set by the platform's administrator. */
export interface DependencySettings {
  pythonTool: "auto" | "uv" | "pip";
  indexUrl?: string | undefined;
  findLinks?: string | undefined;
  npmRegistry?: string | undefined;
  npmToken?: string | undefined;
  npmCache?: string | undefined;
  offline: boolean;
  sourceBuilds: boolean;
  npmScripts: boolean;
  timeoutMs: number;
}

/** Of the settings of a tool, those that another outcome could follow from; without credentials. */
export function optionsOf(language: "python" | "node", settings: DependencySettings): string[] {
  const { indexUrl, findLinks, npmRegistry, npmCache, sourceBuilds, npmScripts } = settings;
  if (language === "python") return [withoutCredentials(indexUrl), findLinks ?? "", String(sourceBuilds)];
  // Environments from before there was such a setting keep their names.
  return [withoutCredentials(npmRegistry), String(npmScripts), ...(npmCache === undefined ? [] : [npmCache])];
}

function withoutCredentials(address: string | undefined): string {
  if (address === undefined) return "";
  const url = new URL(address);
  url.username = "";
  url.password = "";
  return url.href;
}
