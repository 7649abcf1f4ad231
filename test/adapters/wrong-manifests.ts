type Manifest = Record<string, unknown> & { files: readonly object[] };
interface File {
  uri: string;
  path: string;
}

/** Manifests that nobody may believe, made of a right one with one file; each with what it is, and the code that says so. */
export function wrongManifests(right: Manifest): [string, object, string][] {
  const [one] = right.files as [File];
  const folder = one.uri.slice(0, -one.path.length);
  const { sha256: _digest, ...nameless } = { sha256: '', ...one };
  const { files: _files, ...empty } = right;
  const withFile = (file: object): object => ({ ...right, files: [file] });
  const files = (count: number) =>
    Array.from({ length: count }, (_, n) => ({ ...one, path: `model/${n}`, uri: `${folder}model/${n}` }));
  const paths = ['../../x', '/etc/passwd', 'a\\b', 'C:\\x', 'a//b', './a', 'model/', 'a\u0000b', ''];
  const digests = [
    'C0FFEE',
    'a'.repeat(32),
    'a'.repeat(40),
    'A'.repeat(64),
    'g'.repeat(64),
    `${'a'.repeat(64)}\n`,
    '',
    7,
    null,
  ];
  const sizes = [-1, 1.5, 2 ** 60, '1', null];
  return [
    ...paths.map((path): [string, object, string] => [
      `with a file at ${JSON.stringify(path)}`,
      withFile({ ...one, path, uri: `${folder}${path}` }),
      'E_PATH_ESCAPE',
    ]),
    ...digests.map((sha256): [string, object, string] => [
      `with the digest ${JSON.stringify(sha256)}`,
      withFile({ ...one, sha256 }),
      'E_MANIFEST',
    ]),
    ...sizes.map((bytes): [string, object, string] => [
      `with the size ${JSON.stringify(bytes)}`,
      withFile({ ...one, bytes }),
      'E_MANIFEST',
    ]),
    ['without a digest', withFile(nameless), 'E_MANIFEST'],
    ['with md5', withFile({ ...nameless, md5: 'a'.repeat(32) }), 'E_MANIFEST'],
    ['with sha1', withFile({ ...nameless, sha1: 'a'.repeat(40) }), 'E_MANIFEST'],
    ['with sha1 beside sha256', withFile({ ...one, sha1: 'a'.repeat(40) }), 'E_MANIFEST'],
    ['that includes another', { ...right, includes: ['manifest-b.json'] }, 'E_MANIFEST'],
    ['with a file that includes it', withFile({ ...one, includes: ['manifest.json'] }), 'E_MANIFEST'],
    ['with a file twice', { ...right, files: [one, one] }, 'E_MANIFEST'],
    ['with 20,001 files', { ...right, files: files(20_001) }, 'E_MANIFEST'],
    ['with a file of http', withFile({ ...one, uri: `http://b/${one.path}` }), 'E_MANIFEST'],
    ['without files', empty, 'E_MANIFEST'],
    ['with files by name', { ...right, files: { [one.path]: one } }, 'E_MANIFEST'],
    ['of another format', { ...right, format: 2 }, 'E_MANIFEST'],
    ['of no job', { ...right, key: 'k' }, 'E_MANIFEST'],
  ];
}
