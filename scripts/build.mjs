/** `npm run build`: builds every package, also in a clone in which nothing is installed yet. */
import { setup } from './setup.mjs';

setup({ build: true, redis: false });
