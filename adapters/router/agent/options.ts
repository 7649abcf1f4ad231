import { z } from 'zod';

export const agentOptions = z.strictObject({
  adapter: z.literal('agent'),
  /** Base address of the agent. */
  url: z.url({ protocol: /^https?$/ }),
  /** Where users send requests, `http://HOST:PORT`. */
  listener: z.url({ protocol: /^https?$/ }),
});
export type AgentOptions = z.output<typeof agentOptions>;
/** The options as an author writes them. */
export type AgentInput = z.input<typeof agentOptions>;

/** A router behind its agent, which holds the leases. */
export function agent(options: Omit<AgentInput, 'adapter'>): AgentInput {
  return { adapter: 'agent', ...options };
}
