import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { BuildFailure, BuildOptions, Plugin } from 'esbuild';
import type { Fault } from '../../plan/errors.js';
import { SlipwayError } from '../../plan/errors.js';
import { packageRoot } from '../package-root.js';

/** Packages that a pipeline file shares with the engine: one copy, whichever folder the file stands in. */
const shared = /^(slipway|zod)(\/|$)/;

/** Options that make the same sources the same bytes on every machine. `root` and `file` are absolute. */
function common(root: string, file: string): BuildOptions {
  return {
    absWorkingDir: root,
    entryPoints: [file],
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    charset: 'utf8',
    legalComments: 'none',
    logLevel: 'silent',
    // CommonJS packages inside the bundle may require Node's own modules.
    banner: {
      js: "import { createRequire as createRequireOfBundle } from 'node:module'; const require = createRequireOfBundle(import.meta.url);",
    },
  };
}

/**
 * The pipeline file with its imports as one module; `slipway` and `zod` stay imports. Faults point into the author's files.
 * The source map is apart: lines move with every comment, and a comment is no change of the code.
 */
export async function bundlePipeline(root: string, file: string): Promise<{ code: Uint8Array; map: Uint8Array }> {
  const [map, code] = await build(
    {
      ...common(root, file),
      external: ['slipway', 'slipway/*', 'zod', 'zod/*'],
      write: false,
      // Never written: sources are named as seen from the project folder.
      outfile: join(root, 'pipeline.mjs'),
      sourcemap: 'external',
      sourcesContent: false,
    },
    root,
  );
  return { code: code ?? new Uint8Array(), map: map ?? new Uint8Array() };
}

/** The same module as a file that can be imported now: with a source map, and with `slipway` and `zod` as this package has them. */
export async function bundleForLoading(root: string, file: string, outfile: string): Promise<void> {
  await build(
    { ...common(root, file), plugins: [ownPackages], sourcemap: 'inline', sourcesContent: false, outfile },
    root,
  );
}

async function build(options: BuildOptions, root: string): Promise<Uint8Array[]> {
  // Loaded when first needed: the command line starts without it.
  const { build: run } = await import('esbuild');
  try {
    return ((await run(options)).outputFiles ?? []).map((file) => file.contents);
  } catch (error) {
    const { errors } = error as BuildFailure;
    if (errors === undefined) throw error;
    throw new SlipwayError(errors.map((e) => buildFault(e, root)));
  }
}

function buildFault({ text, location }: BuildFailure['errors'][number], root: string): Fault {
  const fault = { code: 'E_DEF_LOAD', message: text, fix: 'mend the line' };
  if (location === null) return fault;
  return { ...fault, where: `${relative(root, `${root}/${location.file}`)}:${location.line}:${location.column + 1}` };
}

const ownPackages: Plugin = {
  name: 'own-packages',
  setup({ onResolve, resolve }) {
    onResolve({ filter: shared }, async ({ path, kind, pluginData }) => {
      if (pluginData === ownPackages) return undefined;
      const found = await resolve(path, { kind, resolveDir: packageRoot, pluginData: ownPackages });
      return found.errors.length > 0
        ? { errors: found.errors }
        : { path: pathToFileURL(found.path).href, external: true };
    });
  },
};
