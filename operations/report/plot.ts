import type { Series } from '../../plan/messages.js';
import { number } from './format.js';
import type { Html } from './html.js';
import { html } from './html.js';

const width = 640;
const height = 200;
const left = 52;
const right = 20;
const bottom = 24;
const top = 10;

export interface PlotOptions {
  title: string;
  unit: string;
  /** Values hold until the next point, as a weight does. */
  steps?: boolean;
  /** Fixed top of the scale; default: the largest value, rounded up. */
  most?: number;
}

interface Scale {
  x(time: number): number;
  y(value: number): number;
  from: number;
  seconds: number;
  most: number;
}

/** What all plots of a page share, so that they can be compared: the time axis, and a colour for each version. */
export interface PlotFrame {
  /** Seconds since the epoch. */
  from: number;
  to: number;
  versions: readonly string[];
}

/** The frame of plots that show these series. */
export function frameOf(series: readonly Series[]): PlotFrame {
  const times = series.flatMap((s) => s.points.map(([t]) => t));
  return {
    from: Math.min(...times),
    to: Math.max(...times),
    versions: [...new Set(series.map((s) => s.version))].sort(),
  };
}

/** Lines over time, one per version, as inline SVG. null when no series has a value. */
export function plot(series: readonly Series[], o: PlotOptions, frame: PlotFrame): Html | null {
  const values = series.flatMap((s) => s.points.map(([, v]) => v)).filter((v) => v !== null);
  if (values.length === 0) return null;
  const scale = scaleOf(frame, o.most ?? roundUp(Math.max(...values)));
  const colour = ({ version }: Series): string => `line-${frame.versions.indexOf(version) % 4}`;
  return html`<figure>
    <figcaption>
      ${o.title}
      <span class="unit">${o.unit}</span>${series.map((s) => html` <span class="key ${colour(s)}">${s.version}</span>`)}
    </figcaption>
    <svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${o.title} over time">
      ${axes(scale)}
      ${series.map((s) => html`<path class="line ${colour(s)}" d="${path(s.points, scale, o.steps ?? false)}" /> `)}
    </svg>
  </figure>`;
}

function scaleOf({ from, to }: PlotFrame, most: number): Scale {
  const seconds = Math.max(1, to - from);
  return {
    from,
    seconds,
    most,
    x: (time) => left + ((time - from) / seconds) * (width - left - right),
    y: (value) => height - bottom - (Math.min(value, most) / most) * (height - bottom - top),
  };
}

function axes(scale: Scale): Html {
  const marks = [0, 0.25, 0.5, 0.75, 1];
  const rows = marks.map((share) => {
    const y = scale.y(share * scale.most).toFixed(1);
    return html`<line class="grid" x1="${left}" x2="${width - right}" y1="${y}" y2="${y}" /><text
        x="${left - 6}"
        y="${y}"
        class="left"
        >${number(share * scale.most)}</text
      >`;
  });
  const columns = marks.map((share) => {
    const x = scale.x(scale.from + share * scale.seconds).toFixed(1);
    return html`<text x="${x}" y="${height - 6}" class="below">${clock(share * scale.seconds)}</text>`;
  });
  return html`${rows}${columns}`;
}

/** A gap in the data is a gap in the line, never a zero. */
function path(points: Series['points'], scale: Scale, steps: boolean): string {
  let drawing = false;
  let before = 0;
  const parts = points.map(([time, value]) => {
    if (value === null) {
      drawing = false;
      return '';
    }
    const at = `${scale.x(time).toFixed(1)} ${scale.y(value).toFixed(1)}`;
    const corner = steps && drawing ? `L${scale.x(time).toFixed(1)} ${scale.y(before).toFixed(1)}` : '';
    const part = `${corner}${drawing ? 'L' : 'M'}${at}`;
    drawing = true;
    before = value;
    return part;
  });
  return parts.join('');
}

/** `+75 s` → `+1:15`. */
function clock(seconds: number): string {
  const whole = Math.round(seconds);
  return `+${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}

/** The next of 1, 2, 2.5, 5 × 10ⁿ. */
function roundUp(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 2.5, 5, 10].find((step) => step * power >= value) ?? 10) * power;
}
