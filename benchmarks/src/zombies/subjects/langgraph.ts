/** LangGraph.js on PostgreSQL: the second process goes on from the newest checkpoint of the thread. */
import { Annotation, START, StateGraph } from '@langchain/langgraph';
import { PostgresSaver } from '@langchain/langgraph-checkpoint-postgres';
import { type Engine, STEPS, type Subject } from './subject.js';

const State = Annotation.Root({
  run: Annotation<string>(),
  by: Annotation<string[]>({ reducer: (before, more) => [...before, ...more], default: () => [] }),
});

export const langgraph: Subject = {
  name: 'LangGraph.js',
  package: '@langchain/langgraph',
  takesOver: 'when another process invokes the graph for the thread',
  isStartedAnew: false,
  share: 0.1,
  async open({ postgres }, effects): Promise<Engine> {
    const saver = PostgresSaver.fromConnString(postgres);
    await saver.setup();
    const step = async ({ run }: typeof State.State): Promise<{ by: string[] }> => {
      await effects.moment();
      await effects.write(run);
      await effects.moment();
      return { by: [effects.worker] };
    };
    const names = Array.from({ length: STEPS }, (_, number) => `step ${number}`);
    const builder = new StateGraph(State).addSequence(
      names.map((name) => [name, step] as [string, typeof step]),
    );
    const graph = builder.addEdge(START as never, names[0] as never).compile({ checkpointer: saver });
    const configOf = (run: string) => ({ configurable: { thread_id: run }, durability: 'sync' as const });
    return {
      run: async (run) => void (await graph.invoke({ run, by: [] }, configOf(run))),
      takeOver: async (run) => void (await graph.invoke(null, configOf(run))),
      kept: async (run) => {
        const { values, config } = await graph.getState(configOf(run));
        return JSON.stringify([values, config.configurable?.['checkpoint_id']]);
      },
    };
  },
};
