import { crc32 } from 'node:zlib';

/** 1980-01-01, the first day that the format knows. */
const date = 0x21;
const regularFile = 0o100644;

/** An archive of files by path, uncompressed: the same files are the same bytes. */
export function zip(files: ReadonlyMap<string, Uint8Array>): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [path, content] of files) {
    const name = Buffer.from(path);
    const facts = factsOf(name, content);
    const head = Buffer.concat([Buffer.from('PK\x03\x04'), facts, name]);
    parts.push(head, Buffer.from(content));
    directory.push(directoryEntry(facts, name, offset));
    offset += head.length + content.length;
  }
  const entries = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(files.size, 8);
  end.writeUInt16LE(files.size, 10);
  end.writeUInt32LE(entries.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, entries, end]);
}

/** What the head of a file and its entry in the directory share. */
function factsOf(name: Buffer, content: Uint8Array): Buffer {
  const facts = Buffer.alloc(26);
  facts.writeUInt16LE(20, 0);
  facts.writeUInt16LE(date, 8);
  facts.writeUInt32LE(crc32(content), 10);
  facts.writeUInt32LE(content.length, 14);
  facts.writeUInt32LE(content.length, 18);
  facts.writeUInt16LE(name.length, 22);
  return facts;
}

function directoryEntry(facts: Buffer, name: Buffer, offset: number): Buffer {
  const rest = Buffer.alloc(14);
  rest.writeUInt32LE((regularFile << 16) >>> 0, 6);
  rest.writeUInt32LE(offset, 10);
  // Made on Unix, so that the mode counts.
  return Buffer.concat([Buffer.from('PK\x01\x02'), Buffer.from([20, 3]), facts, rest, name]);
}
