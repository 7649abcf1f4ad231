import type { Check } from './check.js';
import { compensations } from './compensations.js';
import { cycles } from './cycles.js';
import { duplicates } from './duplicates.js';
import { edges } from './edges.js';
import { names } from './names.js';
import { size } from './size.js';
import { verdicts } from './verdicts.js';

/** Every check of a whole pipeline. */
export const checks: readonly Check[] = [names, size, duplicates, edges, cycles, verdicts, compensations];
