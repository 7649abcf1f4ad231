import { printable } from '../../plan/errors.js';

/** Markup that is safe to put into a page: what `html` makes, or a constant of ours. */
export class Html {
  readonly markup: string;
  constructor(markup: string) {
    this.markup = markup;
  }
}
export type Part = Html | string | number | null | undefined | readonly Part[];

/** A template whose values are escaped unless they are markup already; null and undefined show nothing. */
export function html(strings: TemplateStringsArray, ...parts: Part[]): Html {
  const inner = strings.map((text, i) => text + (i < parts.length ? markup(parts[i]) : ''));
  return new Html(inner.join(''));
}

function markup(part: Part): string {
  if (part === null || part === undefined) return '';
  if (part instanceof Html) return part.markup;
  if (typeof part === 'object') return part.map(markup).join('');
  return escape(String(part));
}

/** Text as text: markup characters become entities, control and bidirectional ones visible. */
function escape(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
  return printable(text, 4_000).replace(/[&<>"']/g, (c) => entities[c] ?? c);
}

/** A link when the address is one of the web, else the text alone: a record could hold `javascript:`. */
export function link(href: string, text: string): Html {
  return /^https?:\/\//i.test(href) ? html`<a href="${href}">${text}</a>` : html`${text}`;
}

/** A table in a box that scrolls by itself on narrow screens. */
export function table(head: readonly Part[], rows: readonly (readonly Part[])[]): Html {
  return html`<div class="wide">
    <table>
      <thead>
        <tr>
          ${head.map((h) => html`<th scope="col">${h}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr>
              ${row.map((cell) => html`<td>${cell}</td>`)}
            </tr> `,
        )}
      </tbody>
    </table>
  </div>`;
}

/** A section with a heading; nothing at all when there is nothing to show. */
export function section(title: string, ...content: (Html | null)[]): Html | null {
  const shown = content.filter((c) => c !== null);
  return shown.length === 0
    ? null
    : html`<section>
        <h2>${title}</h2>
        ${shown}
      </section> `;
}
