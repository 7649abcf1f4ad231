import type { Cli } from '../cli.js';
import { addDecision } from './decision.js';

export function addApprove(cli: Cli): void {
  addDecision(cli, 'approve');
}
