import type { Campaign } from './campaign.js';
import { numbers, type Numbered } from './numbers.js';

/** What `--list` prints of a campaign. */
export function describeCampaign(campaign: Campaign): string {
  const lines = cellsOf(campaign).map(([title, text]) => `  ${`${title}:`.padEnd(9)} ${text}`);
  return [campaign.name, ...lines].join('\n');
}

/** Its row in the table of `docs/faults.md`. */
export function tableRow(campaign: Campaign): string {
  const cells = cellsOf(campaign).map(([, text]) => text);
  return `| ${[`\`${campaign.name}\``, ...cells].join(' | ')} |`;
}

export const tableHead =
  '| name | rows | what is disturbed | minutes | passes when | numbers (all that a row asks for) |';

function cellsOf(campaign: Campaign): (readonly [title: string, text: string])[] {
  const { name, rows, disturbs, minutes, passes } = campaign;
  return [
    ['rows', rows.join(', ')],
    ['disturbs', disturbs],
    ['minutes', String(minutes)],
    ['passes', passes],
    ['numbers', numbersIn(name, campaign.asks)],
  ];
}

function numbersIn(name: string, asks: number | undefined): string {
  const scales = name in numbers ? Object.entries(numbers[name as Numbered]) : [];
  const said = scales.map(([key, { usual, full, unit }]) => `${key} ${usual} (${full}): ${unit}`);
  const all = [...said, ...(asks === undefined ? [] : [`pieces (${asks})`])];
  return all.length === 0 ? '–' : all.join('; ');
}
