/** The part of DBOS that is used here: its own types ask for those of packages that it can do without. */
declare module '@dbos-inc/dbos-sdk' {
  type Flow = (input: number) => Promise<unknown>;

  interface WorkflowHandle<T> {
    getResult(): Promise<T>;
  }

  export const DBOS: {
    setConfig(config: { name: string; systemDatabaseUrl: string; logLevel: string }): void;
    registerWorkflow<F extends (...args: never[]) => Promise<unknown>>(flow: F, config: { name: string }): F;
    launch(): Promise<void>;
    registerQueue(name: string): Promise<unknown>;
    startWorkflow<Args extends unknown[], Return>(
      flow: (...args: Args) => Promise<Return>,
      params: { workflowID: string },
    ): (...args: Args) => Promise<WorkflowHandle<Return>>;
    retrieveWorkflow<T = unknown>(workflowID: string): WorkflowHandle<T>;
    listWorkflowSteps(workflowID: string): Promise<{ name: string; output: unknown }[] | undefined>;
    runStep<T>(step: () => Promise<T>, config: { name: string }): Promise<T>;
    shutdown(): Promise<void>;
  };

  export class DBOSClient {
    static create(options: { systemDatabaseUrl: string; applicationName: string }): Promise<DBOSClient>;
    enqueue<F extends Flow>(
      options: { workflowName: string; queueName: string },
      ...args: Parameters<F>
    ): Promise<WorkflowHandle<Awaited<ReturnType<F>>>>;
    destroy(): Promise<void>;
  }
}
