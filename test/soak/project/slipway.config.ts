import { defineConfig, localStack } from 'slipway/config';

export default defineConfig({
  defaultEnvironment: 'soak',
  environments: {
    soak: {
      ...localStack(),
      policy: { approval: { within: '30d' } },
      approvers: { 'ml-leads': ['ada@example.com'] },
    },
  },
});
