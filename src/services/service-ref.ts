/** Of the names of projects and services. */
export const namePattern = /^[a-z0-9][a-z0-9_-]{0,62}$/;

/** What `isValidName` asks of the names of projects and services. */
export const nameRule = "must be 1 to 63 lower-case letters, digits, '_' or '-', and begin with a letter or digit";

export function isValidName(name: string): boolean {
  return namePattern.test(name);
}

/** How a service is written everywhere people and filters name it: `project/name`. */
export function serviceRef(service: { project: string; name: string }): string {
  return `${service.project}/${service.name}`;
}

/** Reads `project/name`; a bare name belongs to the project `default`. Undefined when it is neither. */
export function parseServiceRef(text: string): { project: string; name: string } | undefined {
  const [first = "", second, ...rest] = text.split("/");
  if (rest.length > 0) return undefined;
  const [project, name] = second === undefined ? [defaultProject, first] : [first, second];
  return isValidName(project) && isValidName(name) ? { project, name } : undefined;
}

/** Exists from the first start and takes what names no project. */
export const defaultProject = "default";
