import type { RunRecord } from '../../plan/messages.js';
import { digest } from './data.js';
import type { Html, Part } from './html.js';
import { html, link, section } from './html.js';
import { outputsOf } from './outputs-of.js';

/** One link of the chain: what it is and what names it. */
type Step = [what: string, name: Part];

/** From the data's hash to what serves, one line per link. */
export function lineageSection(record: RunRecord): Html | null {
  const steps: Step[] = [
    ...outputsOf(record, 'snapshot').map(({ output }): Step => [`data ${output.source}`, digest(output.digest)]),
    ...outputsOf(record, 'train').flatMap(({ id, output }): Step[] => [
      [`code of ${id}`, digest(output.code)],
      ['model', digest(output.digest)],
    ]),
    ...outputsOf(record, 'register').flatMap(({ output }): Step[] => [
      ['package', html`${output.name}-${output.label}.tar.gz ${digest(output.package.sha256)}`],
      ['registered', link(output.registry.url, `${output.name} version ${output.version}`)],
    ]),
    ...outputsOf(record, 'rollout').flatMap(({ output }): Step[] =>
      output.sequence === null
        ? []
        : [['promotion', `${record.environment}/${output.service} number ${output.sequence}`]],
    ),
  ];
  if (steps.length === 0) return null;
  const plan: Step = ['plan', digest(record.plan)];
  const items = [plan, ...steps].map(([what, name]) => html`<li><span class="dim">${what}</span> ${name}</li> `);
  return section(
    'Lineage',
    html`<ol class="chain">
      ${items}
    </ol>`,
  );
}
