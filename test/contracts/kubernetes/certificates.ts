import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface Certificates {
  ca: string;
  server: { cert: string; key: string };
  client: { cert: string; key: string };
}

/** An authority of its own, a server on 127.0.0.1 and a client whom it vouches for, made with openssl. */
export async function makeCertificates(folder: string): Promise<Certificates> {
  const at = (file: string) => join(folder, file);
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const days = ['-days', '2'];
  await run('openssl', [
    'req',
    '-x509',
    ...key,
    ...days,
    '-subj',
    '/CN=test',
    '-keyout',
    at('ca.key'),
    '-out',
    at('ca.crt'),
  ]);
  await writeFile(at('server.ext'), 'subjectAltName=IP:127.0.0.1\n');
  await writeFile(at('client.ext'), 'extendedKeyUsage=clientAuth\n');
  const issue = async (name: string, subject: string) => {
    await run('openssl', [
      'req',
      '-new',
      ...key,
      '-subj',
      subject,
      '-keyout',
      at(`${name}.key`),
      '-out',
      at(`${name}.csr`),
    ]);
    const authority = ['-CA', at('ca.crt'), '-CAkey', at('ca.key'), '-CAcreateserial'];
    const files = ['-in', at(`${name}.csr`), '-out', at(`${name}.crt`), '-extfile', at(`${name}.ext`)];
    await run('openssl', ['x509', '-req', ...authority, ...days, ...files]);
    return { cert: await readFile(at(`${name}.crt`), 'utf8'), key: await readFile(at(`${name}.key`), 'utf8') };
  };
  return {
    server: await issue('server', '/CN=kube-apiserver'),
    client: await issue('client', '/CN=ada'),
    ca: await readFile(at('ca.crt'), 'utf8'),
  };
}
