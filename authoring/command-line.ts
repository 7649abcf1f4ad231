/**
 * Splits a command as a shell would, quotes only: nothing is expanded or interpreted.
 * `python -m "my module" --flag='a b'` → `['python', '-m', 'my module', '--flag=a b']`.
 * Throws a `SyntaxError` for an open quote, a NUL or an empty command.
 */
export function splitCommand(text: string): string[] {
  if (text.includes('\0')) throw new SyntaxError('the command holds a NUL character');
  const words: string[] = [];
  let word: string | undefined;
  let quote: string | undefined;
  for (const char of text) {
    if (quote !== undefined) {
      if (char === quote) quote = undefined;
      else word = (word ?? '') + char;
    } else if (char === '"' || char === "'") {
      quote = char;
      word ??= '';
    } else if (/\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = (word ?? '') + char;
    }
  }
  if (quote !== undefined) throw new SyntaxError(`the command has no closing ${quote}`);
  if (word !== undefined) words.push(word);
  if (words.length === 0) throw new SyntaxError('the command is empty');
  return words;
}
