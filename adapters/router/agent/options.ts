import { z } from 'zod';

/** The agent that owns a router, and where that router listens for users. */
export const agentOptions = z.strictObject({
  adapter: z.literal('agent'),
  /** Base address of the agent. */
  url: z.url({ protocol: /^https?$/ }),
  /** Where users send requests, `http://HOST:PORT`. */
  listener: z.url({ protocol: /^https?$/ }),
});
export type AgentOptions = z.output<typeof agentOptions>;

/** The router as its agent sees it: `agent({ url: 'http://127.0.0.1:9102', listener: 'http://127.0.0.1:8080' })`. */
export function agent(options: Omit<AgentOptions, 'adapter'>): AgentOptions {
  return { adapter: 'agent', ...options };
}
