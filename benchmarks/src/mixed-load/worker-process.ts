/**
 * A worker of the workflow app, beside the servers. Argument: the URL of the data Redis. It ends when its parent does.
 */
import { createWorkflows } from '@holdfast/workflow';
import type { Response } from '../harness/process.js';
import { twice } from './workflow.js';

const [redis = ''] = process.argv.slice(2);
const workflows = createWorkflows({ redis, workflows: [twice] });
workflows.work();
process.on('disconnect', () => process.exit());
const response: Response = { result: 'ready' };
process.send?.(response);
