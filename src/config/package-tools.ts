import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";
import type { Settings } from "./settings.ts";

/** What package tools are given of the platform's own surroundings, and what must not be told of it. */
export interface PackageToolSurroundings {
  /** Variables that say how registries are reached; nothing else of the environment. */
  variables: Record<string, string>;
  /** Configuration of the platform's user, by its place below a home directory. */
  configuration: Record<string, string>;
  /** Passwords and tokens in any of it and in the settings. */
  credentials: string[];
}

const proxies = /^(https?|all|no|ftp)_proxy$/i;
const certificates = /^(SSL_CERT_FILE|SSL_CERT_DIR|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|NODE_EXTRA_CA_CERTS)$/;
/** Where packages come from, never where they go to nor what is done with them. */
const pip =
  /^PIP_(INDEX_URL|EXTRA_INDEX_URL|FIND_LINKS|NO_INDEX|TRUSTED_HOST|CERT|CLIENT_CERT|PROXY|TIMEOUT|DEFAULT_TIMEOUT|RETRIES|PRE|CONSTRAINT)$/;
const uv =
  /^UV_(DEFAULT_INDEX|INDEX|INDEX_URL|EXTRA_INDEX_URL|INDEX_STRATEGY|FIND_LINKS|NO_INDEX|INSECURE_HOST|HTTP_TIMEOUT|NATIVE_TLS|SYSTEM_CERTS|INDEX_[A-Z0-9_]+_(USERNAME|PASSWORD))$/;
const npm =
  /^npm_config_(registry|@.*|cafile|ca|cert|key|proxy|https[_-]proxy|no[_-]?proxy|strict[_-]ssl|fetch[_-].*|\/\/.*)$/i;
const passed = [proxies, certificates, pip, uv, npm];

/** By its place below a home directory: the variable that names another. */
const configurationFiles = {
  ".config/pip/pip.conf": "PIP_CONFIG_FILE",
  ".pip/pip.conf": undefined,
  ".config/uv/uv.toml": "UV_CONFIG_FILE",
  ".npmrc": "NPM_CONFIG_USERCONFIG",
};

/** Reads the environment and the configuration files of the platform's user. */
export function packageToolSurroundings(
  { indexUrl, npmRegistry, npmToken }: Settings["dependencies"],
  environment: Readonly<Record<string, string | undefined>> = process.env,
  home = homedir(),
): PackageToolSurroundings {
  const variables: Record<string, string> = {};
  for (const [name, value] of Object.entries(environment)) {
    if (value !== undefined && passed.some((pattern) => pattern.test(name))) variables[name] = value;
  }
  const configuration: Record<string, string> = {};
  for (const [name, variable] of Object.entries(configurationFiles)) {
    const elsewhere = variable && (environment[variable] ?? environment[variable.toLowerCase()]);
    const text = readIfThere(elsewhere || path.join(home, name));
    if (text !== undefined) configuration[name] = text;
  }
  const texts = [...Object.values(variables), ...Object.values(configuration), indexUrl ?? "", npmRegistry ?? ""];
  const credentials = new Set(texts.flatMap(credentialsIn));
  for (const [name, value] of Object.entries(variables)) if (/password|_auth/i.test(name)) credentials.add(value);
  if (npmToken !== undefined) credentials.add(npmToken);
  return { variables, configuration, credentials: [...credentials] };
}

/** Passwords inside of addresses, and what npm keeps as `_authToken`, `_auth` and `_password`. */
function credentialsIn(text: string): string[] {
  const inAddresses = [...text.matchAll(/:\/\/([^\s/@:]*):?([^\s/@]*)@/g)].map(
    ([, user, password]) => password || user,
  );
  const inLines = [...text.matchAll(/_(?:authToken|auth|password)\s*=\s*"?([^"\s]+)/g)].map(([, value]) => value);
  return [...inAddresses, ...inLines].filter((value): value is string => value !== undefined && value !== "");
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
