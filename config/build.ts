import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { SlipwayError, exitCodes, printable } from '../plan/errors.js';

const fromSource = import.meta.url.endsWith('.ts');
const packageFile = fileURLToPath(new URL(fromSource ? '../package.json' : '../../package.json', import.meta.url));
/** The workflow code as one file, made by the build. */
const bundleFile = fileURLToPath(
  new URL(fromSource ? '../dist/workflow-bundle.js' : '../workflow-bundle.js', import.meta.url),
);
/** Names folders of the machine that built it, and nothing that runs. */
const sourceMap = '\n//# sourceMappingURL=';

/**
 * Names this build of the package: its version and the digest of its workflow code, such as `0.1.0-3f2a9c1b5d7e`, or what
 * `SLIPWAY_BUILD_ID` says. Equal for workers and command lines of one package. Throws `E_BUNDLE` and `E_CONFIG` (78).
 */
export async function thisBuild(env: Record<string, string | undefined>): Promise<string> {
  const given = env['SLIPWAY_BUILD_ID'];
  if (given !== undefined && given !== '') return checked(given);
  const { version } = JSON.parse(await readFile(packageFile, 'utf8')) as { version: string };
  const [code = ''] = (await bundle()).split(sourceMap);
  return `${version}-${createHash('sha256').update(code).digest('hex').slice(0, 12)}`;
}

function checked(buildId: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._+-]{0,127}$/.test(buildId)) return buildId;
  const message = `a build id is made of letters, digits, \`.\`, \`_\`, \`+\`, \`-\`, at most 128; found ${printable(buildId)}`;
  throw new SlipwayError(
    { code: 'E_CONFIG', where: 'SLIPWAY_BUILD_ID', message, fix: 'Correct it, or leave it out.' },
    exitCodes.configuration,
  );
}

async function bundle(): Promise<string> {
  try {
    return await readFile(bundleFile, 'utf8');
  } catch {
    throw new SlipwayError(
      { code: 'E_BUNDLE', where: bundleFile, message: 'the workflow bundle was not built', fix: 'npm run build' },
      exitCodes.configuration,
    );
  }
}
