import type { Command } from 'commander';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeProgram } from '../../cli/program.js';
import { allCommands, pathOf } from '../../cli/usage.js';
import { repository } from './command-line.js';

const program = makeProgram(
  {
    stdout: { write: () => true },
    stderr: { write: () => true },
    cwd: repository,
    env: {},
    signal: () => new AbortController().signal,
  },
  '0.0.0',
  () => undefined,
);

function section(command: Command): string {
  const args = command.registeredArguments.map((a) =>
    a.required ? `<${a.name()}${a.variadic ? '...' : ''}>` : `[${a.name()}${a.variadic ? '...' : ''}]`,
  );
  const flags = command.options.map(
    (o) =>
      `- \`${o.flags}\`: ${o.description}${typeof o.defaultValue === 'string' ? ` (default: ${o.defaultValue})` : ''}`,
  );
  const usage = [pathOf(command), ...args].join(' ');
  return [
    `## ${pathOf(command).replace(/^slipway /, '')}`,
    '',
    `\`${usage}\``,
    '',
    command.description(),
    ...(flags.length > 0 ? ['', ...flags] : []),
    '',
  ].join('\n');
}

function page(): string {
  const globals = program.options
    .filter((o) => o.long !== '--version')
    .map((o) => `- \`${o.flags}\`: ${o.description}`);
  return `# Command line

Written by test/cli/documentation.test.ts from the commands themselves (\`npx vitest run test/cli/documentation -u\`).

Every command takes:

${globals.join('\n')}

Facts are printed on stdout, progress and faults on stderr. With \`--json\`, stdout holds one JSON document, valid against
\`docs/schemas/<command>.schema.json\`. Colours appear on terminals only, and not with \`NO_COLOR\`.

| exit code | meaning |
|---|---|
| 0 | done; a run ended promoted or completed |
| 1 | a run ended otherwise, or something else serves than should |
| 2 | wrong usage |
| 3 | open runs would break with this build |
| 65 | invalid definition, params or data |
| 69 | something that is needed does not run |
| 75 | temporary: try again |
| 77 | not permitted |
| 78 | configuration, or something is missing on this machine |
| 130 | interrupted; a run that was started goes on |

${allCommands(program).slice(1).map(section).join('\n')}`;
}

test('docs/cli.md describes every command as it is', async () => {
  await expect(page()).toMatchFileSnapshot(join(repository, 'docs/cli.md'));
});
