/** Bytes that a text takes in UTF-8. */
export function utf8Length(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x80) continue;
    if (code < 0x800) bytes += 1;
    else if (isHigh(code) && isLow(text.charCodeAt(i + 1))) {
      // Four bytes for two characters.
      bytes += 2;
      i++;
    } else bytes += 2;
  }
  return bytes;
}

/**
 * A text of at most `limit` bytes (at least 400). Of a longer one the middle is left out, because the end says what to
 * do next; `rest` says where all of it can be read.
 */
export function shortened(text: string, limit: number, rest: string): string {
  // No character of a string takes more than three bytes.
  if (text.length * 3 <= limit) return text;
  const bytes = utf8Length(text);
  if (bytes <= limit) return text;
  const mark = ` … (cut from ${bytes} to ${limit} bytes; ${rest}) … `;
  const room = Math.max(0, limit - utf8Length(mark));
  const tail = end(text, Math.floor(room / 3));
  return `${start(text, room - utf8Length(tail))}${mark}${tail}`;
}

/** As much of the begin as fits, no pair cut in two. */
function start(text: string, bytes: number): string {
  let at = Math.min(text.length, bytes);
  let head = text.slice(0, at);
  while (utf8Length(head) > bytes) head = text.slice(0, (at -= Math.ceil((utf8Length(head) - bytes) / 3)));
  return isHigh(head.charCodeAt(head.length - 1)) ? head.slice(0, -1) : head;
}

/** As much of the end as fits, no pair cut in two. */
function end(text: string, bytes: number): string {
  let at = Math.max(0, text.length - bytes);
  let tail = text.slice(at);
  while (utf8Length(tail) > bytes) tail = text.slice((at += Math.ceil((utf8Length(tail) - bytes) / 3)));
  return isLow(tail.charCodeAt(0)) ? tail.slice(1) : tail;
}

function isHigh(code: number): boolean {
  return code >= 0xd800 && code < 0xdc00;
}

function isLow(code: number): boolean {
  return code >= 0xdc00 && code < 0xe000;
}
