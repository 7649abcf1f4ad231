const passed = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'USER', 'SSL_CERT_FILE'];
const proxies = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'ALL_PROXY'].flatMap((name) => [name, name.toLowerCase()]);

/**
 * The part of our environment that processes we start may see. `PYTHONDONTWRITEBYTECODE` is not in it: with it
 * every start of a Python server would compile all its modules again.
 */
export function baseEnvironment(): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const name of [...passed, ...proxies]) {
    const value = process.env[name];
    if (value !== undefined) environment[name] = value;
  }
  return environment;
}
