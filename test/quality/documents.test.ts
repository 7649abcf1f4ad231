import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');

/** Files known to git or about to be. */
function files(...patterns: string[]): string[] {
  const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard', ...patterns], {
    cwd: root,
    encoding: 'utf8',
  });
  return [...new Set(listed.split('\n'))].filter((file) => file !== '' && existsSync(join(root, file)));
}

const documents = files('*.md');
const sources = files('*.ts', '*.mjs', '*.py').filter((file) => !file.startsWith('test/') && !file.includes('/tests/'));

describe('every document', () => {
  test('quotes a file as it is', () => {
    const quotes = documents.flatMap((file) =>
      [...read(file).matchAll(/<!-- quote (\S+) -->\n```\w*\n(.*?)```\n<!-- end of quote -->/gs)].map(
        ([, path = '', text]) => ({ path, text }),
      ),
    );
    expect(quotes.map((q) => q.path)).toContain('pipelines/iris.ts');
    for (const { path, text } of quotes) expect(text, path).toBe(read(path));
  });

  test('links to files that are there', () => {
    const broken = documents.flatMap((file) => {
      const text = read(file).replaceAll(/```.*?```/gs, '');
      const links = [...text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].map(([, link = '']) => link);
      return links
        .filter((link) => !/^[a-z]+:/.test(link) && !existsSync(join(root, dirname(file), link)))
        .map((link) => `${file}: ${link}`);
    });
    expect(broken).toEqual([]);
  });
});

describe('every error code', () => {
  const page = /^docs\/errors\/(E_[A-Z0-9_]+)\.md$/;
  const pages = documents.flatMap((file) => page.exec(file)?.[1] ?? []);
  /** Codes as literals; a code is never put together from parts. */
  const codes = new Set(
    sources.flatMap((file) =>
      [...read(file).matchAll(/(?<!startsWith\()['"`](E_[A-Z0-9]+(?:_[A-Z0-9]+)*)['"`]/g)].map(([, code = '']) => code),
    ),
  );

  test('has a page that says what, why and what to do', () => {
    expect([...codes].filter((code) => !pages.includes(code)).sort()).toEqual([]);
    const thin = pages.filter((code) => !read(`docs/errors/${code}.md`).startsWith(`# ${code}`));
    expect(thin).toEqual([]);
  });

  test('with a page can happen', () => {
    expect(pages.filter((code) => !codes.has(code))).toEqual([]);
  });
});

test('every dependency is imported', () => {
  const { dependencies } = JSON.parse(read('package.json')) as { dependencies: Record<string, string> };
  const code = sources
    .filter((file) => file.endsWith('.ts'))
    .map(read)
    .join('\n');
  // Replaying JSON histories needs the very protobufjs that the Temporal packages use.
  const unused = Object.keys(dependencies).filter(
    (name) => name !== 'protobufjs' && !code.includes(`'${name}'`) && !code.includes(`'${name}/`),
  );
  expect(unused).toEqual([]);
});

/** `/home/ada` and the like stand for anybody in tests. */
test('no committed text names a folder of one machine', () => {
  const machine = /\/(?:home|Users|root|work)\/(?!ada\b|slipway\b)[a-z]/;
  const texts = files().filter(
    (file) => /\.(md|ts|mjs|json|py|in|txt|yml|yaml)$/.test(file) && basename(file) !== basename(import.meta.filename),
  );
  expect(texts.filter((file) => machine.test(read(file)))).toEqual([]);
});
