/** DBOS: a process that starts takes over the workflows that an earlier one of the same executor id has left. */
import { DBOS } from '@dbos-inc/dbos-sdk';
import { type Engine, STEPS, type Subject } from './subject.js';

export const dbos: Subject = {
  name: 'DBOS',
  package: '@dbos-inc/dbos-sdk',
  takesOver: 'when a process with the same executor id is started',
  isStartedAnew: true,
  share: 0.05,
  async open({ postgres }, effects): Promise<Engine> {
    const program = async (run: string): Promise<string> => {
      const step = async (): Promise<string> => {
        await effects.moment();
        await effects.write(run);
        await effects.moment();
        return effects.worker;
      };
      for (let number = 0; number < STEPS; number += 1) await DBOS.runStep(step, { name: `step ${number}` });
      return effects.worker;
    };
    DBOS.setConfig({ name: 'zombies', logLevel: 'error', systemDatabaseUrl: postgres });
    const flow = DBOS.registerWorkflow(program, { name: 'zombie' });
    await DBOS.launch();
    const ended = async (run: string): Promise<void> => void (await DBOS.retrieveWorkflow(run).getResult());
    return {
      run: async (run) => {
        const handle = await DBOS.startWorkflow(flow, { workflowID: run })(run);
        await handle.getResult();
      },
      takeOver: ended,
      kept: async (run) => {
        const steps = await DBOS.listWorkflowSteps(run);
        return JSON.stringify([
          steps?.map(({ name, output }) => [name, output]),
          await DBOS.retrieveWorkflow(run).getResult(),
        ]);
      },
    };
  },
};
