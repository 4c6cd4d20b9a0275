/** Said of a service that is not there. */
export function unknownService(project: string, name: string): string {
  return `there is no service ${project}/${name}`;
}
