import { readdir, readFile, readlink } from 'node:fs/promises';

import { markedProcesses } from '../marked-processes.js';

/** State of a listening socket in `/proc/net/tcp`. */
const listening = '0A';
/** 127.0.0.1, the same as IPv6 writes it, and ::1, as the kernel of a little-endian machine prints them. */
const loopback: Record<string, string> = {
  '0100007F': 'loopback',
  '0000000000000000FFFF00000100007F': 'loopback',
  '00000000000000000000000001000000': 'loopback',
};

/** Where the processes that carry the marker listen: `loopback`, or the address in the kernel's hex, with the port. */
export async function listeningAt(marker: string): Promise<{ address: string; port: number }[]> {
  const links = (await markedProcesses(marker)).map(async (pid) => {
    const files = await readdir(`/proc/${pid}/fd`).catch(() => []);
    return Promise.all(files.map((file) => readlink(`/proc/${pid}/fd/${file}`).catch(() => '')));
  });
  const own = new Set((await Promise.all(links)).flat());
  const tables = await Promise.all(['tcp', 'tcp6'].map((name) => readFile(`/proc/net/${name}`, 'utf8')));
  return tables.flatMap((table) => {
    const rows = table.split('\n').map((line) => line.trim().split(/\s+/));
    const found = rows.filter(([, , , state, , , , , , inode]) => state === listening && own.has(`socket:[${inode}]`));
    return found.map(([, local = '']) => {
      const [address = '', port = ''] = local.split(':');
      return { address: loopback[address] ?? address, port: Number.parseInt(port, 16) };
    });
  });
}
