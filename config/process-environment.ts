/** The variables of this process, read here and in workers only. */
export function processEnvironment(): Record<string, string | undefined> {
  return { ...process.env };
}
