/**
 * The requirements of a `requirements.txt` that name no hash: the installer takes none of the file then, as the same name may be
 * other bytes tomorrow. Lines that go on after a backslash are one; options such as `--index-url` are no requirements.
 */
export function withoutHash(text: string): string[] {
  return text
    .replaceAll(/\\\r?\n/g, ' ')
    .split(/\r?\n/)
    .map((line) => line.replace(/(^|\s)#.*$/, '').trim())
    .filter((line) => line !== '' && !line.startsWith('-'))
    .filter((line) => !/\s--hash[= ]|#sha(256|384|512)=/.test(line));
}
