import type { Cli } from '../cli.js';
import { addDecision } from './decision.js';

export function addReject(cli: Cli): void {
  addDecision(cli, 'reject');
}
