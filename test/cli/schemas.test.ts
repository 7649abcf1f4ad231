import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import { publishedSchema, schemas } from '../../cli/schemas.js';
import { repository } from './command-line.js';

describe('published schemas', () => {
  test.each(Object.keys(schemas) as (keyof typeof schemas)[])(
    'docs/schemas/%s.schema.json is what the command prints by',
    async (command) => {
      const text = `${JSON.stringify(publishedSchema(command), null, 2)}\n`;
      await expect(text).toMatchFileSnapshot(join(repository, `docs/schemas/${command}.schema.json`));
      expect(() =>
        new Ajv2020({ strict: false, validateFormats: false }).compile(publishedSchema(command)),
      ).not.toThrow();
    },
  );
});
