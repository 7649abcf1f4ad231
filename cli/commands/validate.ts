import type { Cli } from '../cli.js';

export function addValidate(cli: Cli): void {
  cli.program
    .command('validate')
    .summary('check pipeline files and list their stages in order')
    .description(
      'Checks pipeline files and prints their stages in topological order. Files are looked for from where you are, then from the project folder. All faults of all files at once; starts nothing.',
    )
    .argument(
      '[files...]',
      'pipeline files, relative to where you are or else to the project folder (default: all below pipelines/)',
    )
    .option('--allow-outside', 'pipeline files may lie outside the project folder, or be links to such')
    .action(
      cli.run(async ({ out, root, cwd }, [given], { allowOutside }) => {
        const { loadDefinitions } = await import('../../operations/definitions.js');
        const files = given as string[];
        const definitions = await loadDefinitions(await root(), {
          ...(files.length > 0 && { files }),
          cwd,
          allowOutside: allowOutside === true,
        });
        out.facts({
          pipelines: definitions.map(({ file, recorded }) => ({
            file,
            pipeline: recorded.pipeline,
            stages: recorded.stages.map(({ id, verb, needs }) => ({ id, verb, after: needs })),
          })),
        });
        for (const { file, recorded } of definitions) {
          out.line(`${out.colors.bold(recorded.pipeline)}  ${out.colors.dim(file)}`);
          recorded.stages.forEach((stage, i) =>
            out.line(`  ${String(i + 1).padStart(2)} ${stage.id}  ${out.colors.dim(stage.verb)}`),
          );
        }
        if (definitions.length === 0) out.line('no pipelines found below pipelines/');
        return undefined;
      }),
    );
}
