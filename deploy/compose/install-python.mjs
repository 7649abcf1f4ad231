// Makes the Python environments that jobs and model servers run in, while the image is built.
import { processEnvironment } from '../../dist/config/process-environment.js';
import { currentContext } from '../../dist/stack/context.js';
import { ensureTrainerEnvironments } from '../../dist/stack/parts/trainer-environments.js';

const onProgress = ({ part, phase, detail }) => console.log(`${part} ${phase}: ${detail}`);
await ensureTrainerEnvironments(await currentContext(process.cwd(), { env: processEnvironment(), onProgress }));
